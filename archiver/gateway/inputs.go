package gateway

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/whatsapp"
)

// roles are what middleware may send as JSON. Media are bytes, and go to Kafka.
var roles = []whatsapp.Role{whatsapp.RoleSends, whatsapp.RoleConsent, whatsapp.RoleTemplates, whatsapp.RoleDirectory}

type schemas map[whatsapp.Role]*jsonschema.Schema

// compile makes one schema a role: of a single object.
func compile() (schemas, error) {
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	out := schemas{}
	for _, role := range roles {
		raw, err := whatsapp.Schema(role)
		if err != nil {
			return nil, err
		}
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
		if err != nil {
			return nil, fmt.Errorf("schema of %s: %w", role, err)
		}
		name := "https://waxseal.org/schema/" + string(role) + ".json"
		if err := c.AddResource(name, doc); err != nil {
			return nil, fmt.Errorf("schema of %s: %w", role, err)
		}
		if out[role], err = c.Compile(name + "#/$defs/one"); err != nil {
			return nil, fmt.Errorf("schema of %s: %w", role, err)
		}
	}
	return out, nil
}

// Fault is one thing wrong with an input. It repeats no value.
type Fault struct {
	Path string `json:"path"` // JSON Pointer
	Says string `json:"says"`
}

// Answer is what an input is answered.
type Answer struct {
	Record string  `json:"record,omitempty"` // topic/partition/offset
	Faults []Fault `json:"faults,omitempty"`
}

func (g *Gateway) input(w http.ResponseWriter, r *http.Request) {
	role := whatsapp.Role(r.PathValue("role"))
	if !g.known(r) {
		w.Header().Set("WWW-Authenticate", "Bearer")
		g.refuse(w, http.StatusUnauthorized, refusedToken, "neither a token nor a certificate of ours")
		return
	}
	schema := g.schemas[role]
	if schema == nil {
		g.refuse(w, http.StatusNotFound, refusedShape, "no such input: sends, consent, templates, directory")
		return
	}
	body, release, ok := g.read(w, r)
	if !ok {
		return
	}
	defer release()
	key, faults := judge(schema, body)
	if len(faults) > 0 {
		g.counts.refused[refusedShape].Add(1)
		answer(w, http.StatusUnprocessableEntity, Answer{Faults: faults})
		return
	}
	rec := &record.Record{Key: []byte(key), Value: body, Headers: []record.Header{{Key: "content-type", Value: []byte("application/json")}}}
	if where, ok := g.produce(w, r, role, rec); ok {
		answer(w, http.StatusOK, Answer{Record: where.String()})
	}
}

// known says that the sender showed a token, or a certificate that TLS verified.
func (g *Gateway) known(r *http.Request) bool {
	if r.TLS != nil && len(r.TLS.VerifiedChains) > 0 {
		return true
	}
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	return ok && oneOf(g.cfg.Tokens, token)
}

func answer(w http.ResponseWriter, status int, a Answer) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(a)
}

// maxFaults is how many faults one answer lists.
const maxFaults = 50

// judge holds a body to its schema: one object, or an array of them of one account,
// whose id is the record's key.
func judge(schema *jsonschema.Schema, body []byte) (key string, faults []Fault) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		return "", []Fault{{"", "not JSON"}}
	}
	list, several := doc.([]any)
	if !several {
		list = []any{doc}
	}
	if len(list) == 0 {
		return "", []Fault{{"", "empty"}}
	}
	for i, one := range list {
		at := ""
		if several {
			at = "/" + strconv.Itoa(i)
		}
		if err := schema.Validate(one); err != nil {
			faults = appendFaults(faults, at, err)
		}
		id := ""
		if o, ok := one.(map[string]any); ok {
			id, _ = o["waba_id"].(string)
		}
		switch {
		case id == "":
			faults = append(faults, Fault{at + "/waba_id", "is needed: the account is the record's key"})
		case key != "" && id != key:
			faults = append(faults, Fault{at + "/waba_id", "is another account than the first: send them apart"})
		default:
			key = id
		}
	}
	if len(faults) > maxFaults {
		faults = faults[:maxFaults]
	}
	return key, faults
}

// appendFaults lists the leaves of a validation error, without any value.
func appendFaults(faults []Fault, at string, err error) []Fault {
	v, ok := err.(*jsonschema.ValidationError)
	if !ok {
		return append(faults, Fault{at, "does not fit the schema"})
	}
	if len(v.Causes) > 0 {
		for _, c := range v.Causes {
			faults = appendFaults(faults, at, c)
		}
		return faults
	}
	f := Fault{Path: at + pointer(v.InstanceLocation), Says: says(v.ErrorKind)}
	if !slices.Contains(faults, f) {
		faults = append(faults, f)
	}
	return faults
}

func pointer(path []string) string {
	var b strings.Builder
	for _, p := range path {
		b.WriteByte('/')
		b.WriteString(strings.NewReplacer("~", "~0", "/", "~1").Replace(p))
	}
	return b.String()
}
