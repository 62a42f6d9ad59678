package whatsapp

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/waxseal/waxseal/archiver/record"
)

// fixtures are payloads from elsewhere, beside this repository. They are not
// ours to commit.
const fixtures = "../../../shared/fixtures/whatsapp"

// expectation reads a fixture's name: account_update-00-account_update_event-ACCOUNT_DELETED.
func expectation(t *testing.T, name string) (kind record.Kind, sub string) {
	m := regexp.MustCompile(`^\w+-\d\d-(.+)\.json$`).FindStringSubmatch(name)
	if m == nil {
		t.Fatalf("no fixture name: %s", name)
	}
	parts := strings.Split(m[1], "-")
	at := func(i int) string {
		if i < len(parts) {
			return parts[i]
		}
		return ""
	}
	switch parts[0] {
	case "account_update_event":
		return record.Account, at(1)
	case "calls_status":
		return record.CallStatus, at(1)
	case "calls_call":
		return record.Call, at(1)
	case "messages_status":
		return record.Status, at(1)
	case "user_preferences_pref":
		return record.Preference, at(1)
	case "smb_message_echoes_echo":
		return record.Kind(at(1)), at(2)
	case "message_template_status_update_event":
		return record.TemplateStatus, at(1)
	case "message_template_quality_update":
		return record.TemplateQuality, "YELLOW"
	case "message_template_components_update":
		return record.TemplateContent, ""
	case "template_category_update":
		return record.TemplateChange, "changed"
	case "messages_msg":
		switch kind := record.Kind(at(1)); kind {
		case record.Interactive, record.Edit, record.System:
			return kind, at(2)
		case record.Unsupported:
			return kind, at(2)
		default:
			return kind, "*"
		}
	}
	t.Fatalf("fixture %s tells no kind", name)
	return "", ""
}

func TestFixtures(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(fixtures, "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Skip("optional: no shared fixtures beside this repository; the project's own payloads are tested all the same")
	}
	if len(files) != 71 {
		t.Errorf("%d fixtures, expected 71", len(files))
	}
	p := NewParser(Options{})
	for _, file := range files {
		name := filepath.Base(file)
		value, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		kind, sub := expectation(t, name)
		r := &record.Record{Value: value}
		got := p.Parse(RoleWebhooks, r, nil)
		found := false
		for _, it := range got.Items {
			if it.Kind == record.Unknown || it.Kind == record.Unparsed {
				t.Errorf("%s: item %d is %s: %s", name, it.N, it.Kind, it.Reason)
			}
			found = found || it.Kind == kind && (sub == "*" || it.Sub == sub)
		}
		if !found {
			t.Errorf("%s: no item of kind %s, %q; first is %s, %q", name, kind, sub, got.Items[0].Kind, got.Items[0].Sub)
		}
		checkAll(t, p, RoleWebhooks, r)
	}
}
