package whatsapp

import (
	"bytes"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/waxseal/waxseal/archiver/record"
)

func compile(t *testing.T, role Role) *jsonschema.Schema {
	t.Helper()
	text, err := Schema(role)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	name := string(role) + ".json"
	if err := c.AddResource(name, doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile(name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func valid(t *testing.T, s *jsonschema.Schema, value []byte) error {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(value))
	if err != nil {
		t.Fatal(err)
	}
	return s.Validate(doc)
}

// TestInputsPage: each example of INPUTS.md keeps its schema and is understood.
func TestInputsPage(t *testing.T) {
	page, err := os.ReadFile("INPUTS.md")
	if err != nil {
		t.Fatal(err)
	}
	sections := strings.Split(string(page), "\n## wa.")
	examples := regexp.MustCompile("(?s)```json\n(.*?)```")
	p, seen := NewParser(Options{}), map[Role]int{}
	for _, section := range sections[1:] {
		role := Role(section[:strings.IndexByte(section, '\n')])
		for _, m := range examples.FindAllStringSubmatch(section, -1) {
			value := []byte(m[1])
			if err := valid(t, compile(t, role), value); err != nil {
				t.Errorf("example of wa.%s: %v", role, err)
			}
			for _, it := range checkAll(t, p, role, &record.Record{Value: value}).Items {
				if it.Kind == record.Unknown || it.Kind == record.Unparsed {
					t.Errorf("example of wa.%s: %s: %s", role, it.Kind, it.Reason)
				}
			}
			seen[role]++
		}
	}
	for role, want := range map[Role]int{RoleSends: 4, RoleConsent: 1, RoleTemplates: 1, RoleDirectory: 1} {
		if seen[role] != want {
			t.Errorf("%d examples of wa.%s, expected %d", seen[role], role, want)
		}
	}
}

// TestSchemas: the schemas take the project's payloads and refuse the invalid
// ones, which Parse archives as unknown with what can be told.
func TestSchemas(t *testing.T) {
	p := NewParser(Options{})
	for _, in := range payloads(t) {
		if in.role == RoleWebhooks || in.name == "raw_answer" || in.name == "list" {
			continue
		}
		wrong := in.name == "invalid" || in.name == "template_unrendered"
		if err := valid(t, compile(t, in.role), in.value); (err != nil) != wrong {
			t.Errorf("%s/%s: %v", in.role, in.name, err)
		}
		it := p.Parse(in.role, &record.Record{Value: in.value}, nil).Items[0]
		if unknown := it.Kind == record.Unknown; unknown != (in.name == "invalid") {
			t.Errorf("%s/%s is %s: %s", in.role, in.name, it.Kind, it.Reason)
		}
	}
	if _, err := Schema(RoleWebhooks); err == nil {
		t.Error("a schema for webhooks, which are Meta's")
	}
}
