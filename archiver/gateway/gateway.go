// Package gateway receives Meta's webhooks, and the events of middleware, over HTTP
// and puts them into Kafka. It answers 200 only once Kafka has acknowledged what it
// was given, on all replicas; until then the sender has it, and sends it again.
//
//	GET  /webhooks             Meta's handshake: hub.verify_token against ours
//	POST /webhooks             a body with X-Hub-Signature-256, kept byte for byte
//	POST /inputs/ROLE          sends, consent, templates, directory: JSON, from whoever
//	                           has a token or a certificate, held to its schema
//
// What is refused is answered and counted, and nothing of it is logged: a body, a
// signature or a token never leaves this package but for Kafka.
package gateway

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/whatsapp"
)

// Producer is where records go (kafka.Producer).
type Producer interface {
	Produce(ctx context.Context, topic string, records ...*record.Record) ([]record.Coordinates, error)
}

// Config is what a gateway needs.
type Config struct {
	Producer Producer
	Topics   map[whatsapp.Role]string

	Secrets [][]byte // app secrets: of several apps, and the old and the new one while one is changed
	Verify  []string // verify tokens of the handshake
	Tokens  []string // bearer tokens of middleware; a client certificate that TLS verified counts too

	MaxBody   int64         // bytes of one body; default 4 MiB: Meta's reach 3 MB
	MaxMemory int64         // bytes of bodies held at once; default 128 MiB
	Read      time.Duration // how long a body may take to arrive; default 20 s
	Answer    time.Duration // how long Kafka may take; default 10 s, as Meta waits for no more

	Log *slog.Logger
}

// DefaultMaxBody is the largest body taken where Config says nothing.
const DefaultMaxBody = 4 << 20

func (c *Config) defaults() {
	if c.MaxBody <= 0 {
		c.MaxBody = DefaultMaxBody
	}
	if c.MaxMemory <= 0 {
		c.MaxMemory = 128 << 20
	}
	c.MaxMemory = max(c.MaxMemory, c.MaxBody+2*step)
	if c.Read <= 0 {
		c.Read = 20 * time.Second
	}
	if c.Answer <= 0 {
		c.Answer = 10 * time.Second
	}
}

// Gateway is an http.Handler. Safe for concurrent use. Run must be running.
type Gateway struct {
	cfg     Config
	mux     *http.ServeMux
	memory  *semaphore.Weighted
	queue   chan *waiting
	schemas schemas
	counts  counters
}

// New checks the configuration.
func New(cfg Config) (*Gateway, error) {
	cfg.defaults()
	if len(cfg.Secrets) == 0 && len(cfg.Tokens) == 0 {
		return nil, errors.New("gateway: neither an app secret nor a token: nobody could be believed")
	}
	for _, s := range cfg.Secrets {
		if len(s) == 0 {
			return nil, errors.New("gateway: an app secret is empty")
		}
	}
	for _, t := range append(append([]string{}, cfg.Tokens...), cfg.Verify...) {
		if len(t) < minToken {
			return nil, fmt.Errorf("gateway: a token has fewer than %d characters", minToken)
		}
	}
	g := &Gateway{cfg: cfg, mux: http.NewServeMux(), memory: semaphore.NewWeighted(cfg.MaxMemory), queue: make(chan *waiting)}
	var err error
	if g.schemas, err = compile(); err != nil {
		return nil, err
	}
	g.mux.HandleFunc("GET /webhooks", g.handshake)
	g.mux.HandleFunc("POST /webhooks", g.webhook)
	g.mux.HandleFunc("POST /inputs/{role}", g.input)
	return g, nil
}

// minToken is how short a token may be: below, it can be guessed.
const minToken = 16

// ServeHTTP answers one request.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store")
	g.mux.ServeHTTP(w, r)
}

// Server gives a server around the gateway whose limits keep slow and greedy
// clients from holding it up.
func (g *Gateway) Server() *http.Server {
	return &http.Server{
		Handler: g, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: g.cfg.Read, WriteTimeout: g.cfg.Read + g.cfg.Answer + 5*time.Second,
		IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 16 << 10,
		ErrorLog: slog.NewLogLogger(g.cfg.Log.Handler(), slog.LevelDebug),
	}
}

// handshake is Meta's: https://developers.facebook.com/docs/graph-api/webhooks/getting-started
func (g *Gateway) handshake(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if q.Get("hub.mode") != "subscribe" || !oneOf(g.cfg.Verify, q.Get("hub.verify_token")) {
		g.refuse(w, http.StatusForbidden, refusedToken, "verify token is not ours")
		return
	}
	challenge := q.Get("hub.challenge")
	if len(challenge) > 256 || strings.ContainsFunc(challenge, func(c rune) bool { return c < '!' || c > '~' || strings.ContainsRune("<>&\"'", c) }) {
		g.refuse(w, http.StatusBadRequest, refusedShape, "challenge is none")
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	io.WriteString(w, challenge)
}

// oneOf compares in time that does not depend on where texts differ, nor on which
// of the candidates is meant.
func oneOf(candidates []string, given string) bool {
	sum := sha256.Sum256([]byte(given))
	found := false
	for _, c := range candidates {
		want := sha256.Sum256([]byte(c))
		found = hmac.Equal(sum[:], want[:]) || found
	}
	return found && given != ""
}

// Headers of a record that the gateway writes.
const (
	headerSignature = whatsapp.HeaderMetaSignature
	headerChecked   = whatsapp.HeaderSignature
)

func (g *Gateway) webhook(w http.ResponseWriter, r *http.Request) {
	signature := r.Header.Get(headerSignature)
	if signature == "" {
		g.refuse(w, http.StatusUnauthorized, refusedSignature, "signature is missing")
		return
	}
	body, release, ok := g.read(w, r)
	if !ok {
		return
	}
	defer release()
	if !g.signed(body, signature) {
		g.refuse(w, http.StatusUnauthorized, refusedSignature, "signature is not by an app secret of ours over these bytes")
		return
	}
	rec := &record.Record{
		Key: []byte(whatsapp.WABAOf(body)), Value: body,
		Headers: []record.Header{{Key: headerSignature, Value: []byte(signature)}, {Key: headerChecked, Value: []byte(record.SignatureOK)}},
	}
	if len(rec.Key) == 0 {
		rec.Key = nil // names no account: any partition
	}
	if _, ok := g.produce(w, r, whatsapp.RoleWebhooks, rec); ok {
		w.WriteHeader(http.StatusOK)
	}
}

// signed checks the signature over the exact bytes, by every secret.
func (g *Gateway) signed(body []byte, signature string) bool {
	hexed, ok := strings.CutPrefix(signature, "sha256=")
	given, err := hex.DecodeString(hexed)
	if !ok || err != nil || len(given) != sha256.Size {
		return false
	}
	found := false
	for _, secret := range g.cfg.Secrets {
		mac := hmac.New(sha256.New, secret)
		mac.Write(body)
		found = hmac.Equal(mac.Sum(nil), given) || found
	}
	return found
}

// step is how much memory a body takes at once: who sends slowly holds little more
// than has arrived.
const step = 64 << 10

var errBusy = errors.New("too much is under way")

// read reads a body within the bounds of size, memory and time. Where that cannot
// be, it has answered.
func (g *Gateway) read(w http.ResponseWriter, r *http.Request) (body []byte, release func(), ok bool) {
	var held int64
	release = func() { g.memory.Release(held) }
	err := error(&http.MaxBytesError{Limit: g.cfg.MaxBody})
	if r.ContentLength <= g.cfg.MaxBody {
		body, held, err = g.gradually(http.MaxBytesReader(w, r.Body, g.cfg.MaxBody))
	}
	if err == nil {
		return body, release, true
	}
	release()
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		g.refuse(w, http.StatusRequestEntityTooLarge, refusedSize, "body is too large")
	case errors.Is(err, errBusy):
		w.Header().Set("Retry-After", "1")
		g.refuse(w, http.StatusServiceUnavailable, refusedBusy, "too much is under way: send it again")
	default:
		g.refuse(w, http.StatusBadRequest, refusedShape, "body did not arrive whole")
	}
	return nil, nil, false
}

// gradually reads to the end, and says how much memory it holds for that.
func (g *Gateway) gradually(src io.Reader) (body []byte, held int64, err error) {
	for {
		if len(body) == cap(body) {
			if !g.memory.TryAcquire(step) {
				return nil, held, errBusy
			}
			held += step
			body = append(make([]byte, 0, held), body...)
		}
		n, err := src.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		if errors.Is(err, io.EOF) {
			return body, held, nil
		}
		if err != nil {
			return nil, held, err
		}
	}
}

// refuse answers and counts.
func (g *Gateway) refuse(w http.ResponseWriter, status int, why refusal, text string) {
	g.counts.refused[why].Add(1)
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	io.WriteString(w, text+"\n")
}
