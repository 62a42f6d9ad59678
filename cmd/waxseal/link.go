package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"

	"github.com/waxseal/waxseal/archiver/control"
	"github.com/waxseal/waxseal/ledger"
)

// link is how other commands on this host reach the process that holds the data
// folder: a loopback address and a token, in a file that only its owner reads.
// Acts go through it, because that process alone writes the control lane.
type link struct {
	PID     int    `json:"pid"`
	Address string `json:"address"` // of the link itself, loopback
	Token   string `json:"token"`
	Broker  string `json:"broker"`
}

func linkFile(set *Settings) string { return filepath.Join(set.Data, "run.json") }

// looked is what a command asks to have entered: a look or a refusal, with what
// is personal of it in Body.
type looked struct {
	Look    *ledger.Look    `json:"look,omitempty"`
	Refusal *ledger.Refusal `json:"refusal,omitempty"`
	Body    []byte          `json:"body,omitempty"`
	Actor   string          `json:"actor"`
}

func (l looked) draft() control.Draft {
	d := control.Draft{Act: ledger.Act{Type: ledger.ActLook, Actor: l.Actor, Look: l.Look}, Body: l.Body}
	if l.Refusal != nil {
		d.Act.Type, d.Act.Refusal = ledger.ActRefusal, l.Refusal
	}
	return d
}

// lookExport is the kind of look that a bag may be signed for.
const lookExport = "export"

// bagToSign asks for the signature of a bag, for which a look was entered.
type bagToSign struct {
	Look        ledger.ActRef `json:"look"`
	TagManifest ledger.Hash   `json:"tagmanifest"` // SHA-256 of tagmanifest-sha256.txt
}

// served is what the process that holds the data folder does for others.
type served interface {
	// act enters a look or a refusal.
	act(ctx context.Context, in looked) (ledger.ActRef, error)
	standing(ctx context.Context) standing
	// sealAll seals the heads of all lanes and publishes control.
	sealAll(ctx context.Context) error
	// signBag signs one bag for a look of kind export that it entered itself, and
	// nothing else.
	signBag(in bagToSign) ([]byte, error)
}

// standing is what only the running process knows.
type standing struct {
	Waiting string    `json:"waiting,omitempty"` // why no lane can be run
	Lanes   []laneLag `json:"lanes"`
}

// laneLag is what only the running process knows of a lane.
type laneLag struct {
	Lane     string     `json:"lane"`
	Lag      int64      `json:"lag"`
	Source   []Position `json:"source"`
	Writable bool       `json:"writable"`
	Error    string     `json:"error,omitempty"`
}

const maxLinkBody = 1 << 20

// serveLink answers other commands until ctx ends.
func serveLink(ctx context.Context, set *Settings, broker string, by served) (func() error, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen on loopback: %w", err)
	}
	var secret [16]byte
	rand.Read(secret[:])
	l := link{PID: os.Getpid(), Address: ln.Addr().String(), Token: hex.EncodeToString(secret[:]), Broker: broker}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/acts", func(w http.ResponseWriter, r *http.Request) {
		var in looked
		if err := json.NewDecoder(io.LimitReader(r.Body, maxLinkBody)).Decode(&in); err != nil || (in.Look == nil) == (in.Refusal == nil) {
			http.Error(w, "one of look and refusal", http.StatusBadRequest)
			return
		}
		ref, err := by.act(r.Context(), in)
		if err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		json.NewEncoder(w).Encode(ref)
	})
	mux.HandleFunc("GET /v1/lanes", func(w http.ResponseWriter, r *http.Request) { json.NewEncoder(w).Encode(by.standing(r.Context())) })
	mux.HandleFunc("POST /v1/heads", func(w http.ResponseWriter, r *http.Request) {
		if err := by.sealAll(r.Context()); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		json.NewEncoder(w).Encode(struct{}{})
	})
	mux.HandleFunc("POST /v1/bags", func(w http.ResponseWriter, r *http.Request) {
		var in bagToSign
		if err := json.NewDecoder(io.LimitReader(r.Body, maxLinkBody)).Decode(&in); err != nil {
			http.Error(w, "look and tagmanifest", http.StatusBadRequest)
			return
		}
		signed, err := by.signBag(in)
		if err != nil {
			http.Error(w, err.Error(), http.StatusForbidden)
			return
		}
		json.NewEncoder(w).Encode(signed)
	})
	srv := &http.Server{Handler: authorised(l.Token, mux), ReadHeaderTimeout: 10 * time.Second, BaseContext: func(net.Listener) context.Context { return ctx }}
	go srv.Serve(ln)
	text, err := json.Marshal(l)
	if err == nil {
		err = replaceFile(linkFile(set), text)
	}
	if err != nil {
		srv.Close()
		return nil, fmt.Errorf("write run.json: %w", err)
	}
	return func() error {
		os.Remove(linkFile(set))
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		return srv.Shutdown(end)
	}, nil
}

func authorised(token string, next http.Handler) http.Handler {
	want := []byte("Bearer " + token)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if subtle.ConstantTimeCompare([]byte(r.Header.Get("Authorization")), want) != 1 {
			http.Error(w, "token", http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// replaceFile writes a file only its owner may read.
func replaceFile(path string, text []byte) error {
	tmp := path + ".new"
	if err := os.WriteFile(tmp, text, 0o600); err != nil {
		return err
	}
	return os.Rename(tmp, path)
}

// dial finds the process that holds the data folder; nil where there is none.
func dial(ctx context.Context, set *Settings) (*link, error) {
	text, err := os.ReadFile(linkFile(set))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read run.json: %w", err)
	}
	var l link
	if err := json.Unmarshal(text, &l); err != nil {
		return nil, fmt.Errorf("read run.json: %w", err)
	}
	if !dataLocked(set) {
		return nil, nil // left behind by a process that was killed; who listens there now is nobody of ours
	}
	return &l, nil
}

// dataLocked says whether a process holds the data folder.
func dataLocked(set *Settings) bool {
	l := flock.New(filepath.Join(set.Data, "lock"), flock.SetFlag(os.O_RDONLY))
	ok, err := l.TryRLock()
	if ok {
		l.Close()
	}
	return !ok && err == nil
}

func (l *link) call(ctx context.Context, method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		text, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://"+l.Address+path, body)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+l.Token)
	resp, err := linkClient.Do(req)
	if err != nil {
		return fmt.Errorf("reach the running waxseal: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 1024))
		return fmt.Errorf("the running waxseal answers %d: %s", resp.StatusCode, bytes.TrimSpace(text))
	}
	return json.NewDecoder(resp.Body).Decode(out)
}

// linkClient never asks a proxy: the link is on loopback.
var linkClient = &http.Client{Transport: &http.Transport{Proxy: nil}, Timeout: time.Minute}

func (l *link) act(ctx context.Context, in looked) (ref ledger.ActRef, err error) {
	err = l.call(ctx, http.MethodPost, "/v1/acts", in, &ref)
	return ref, err
}

func (l *link) standing(ctx context.Context) (s standing, err error) {
	err = l.call(ctx, http.MethodGet, "/v1/lanes", nil, &s)
	return s, err
}

func (l *link) seal(ctx context.Context) error {
	var none struct{}
	return l.call(ctx, http.MethodPost, "/v1/heads", struct{}{}, &none)
}

func (l *link) signBag(ctx context.Context, in bagToSign) (signed []byte, err error) {
	err = l.call(ctx, http.MethodPost, "/v1/bags", in, &signed)
	return signed, err
}
