package policy

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
)

// value is the input as the policy sees it: exactly its JSON, as it is sealed.
func (in *Input) value() (ast.Value, error) {
	b, err := compact(in)
	if err != nil {
		return nil, err
	}
	var m map[string]any
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	if err := d.Decode(&m); err != nil {
		return nil, err
	}
	return ast.InterfaceToValue(m)
}

// clone copies the strings: an item's alias the record, which must not live as
// long as the memory.
func (in *Input) clone() Input {
	out := *in
	for _, s := range []*string{
		&out.Kind, &out.Sub, &out.Channel, &out.Direction, &out.Provenance, &out.WABA, &out.Number, &out.Day,
		&out.Marketing, &out.Window, &out.Messaged, &out.Template, &out.Category,
		&out.Custodian, &out.Department, &out.Role,
	} {
		*s = strings.ToValidUTF8(*s, "\ufffd")
		*s = strings.Clone(*s)
	}
	return out
}
