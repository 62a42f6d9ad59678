package demo

import (
	"strings"

	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/whatsapp"
)

// Story is something of the day that shows what an archive is for.
type Story struct {
	Name string
	Text string   // a few lines
	Show []string // arguments of waxseal that show it
}

// Stories gives the three stories; name gives the archive's name of a marked
// record.
func Stories(name func(mark string) string) []Story {
	return []Story{
		{
			Name: "the promise that was edited",
			Text: "Eve promises Ana in the app that every flood in the cellar is paid, and Ana decides to sign.\n" +
				"Seven minutes later Eve rewrites the message. The phones show the new text alone; the archive has both.",
			Show: []string{"show", name(MarkPromise) + "#0"},
		},
		{
			Name: "the offer after STOP",
			Text: "Ben writes STOP, and the firm notes that he withdrew from marketing. His later question may be answered, and is.\n" +
				"Hours later the campaign sends him an offer all the same: the policy finds it, with what it saw.",
			Show: []string{"search", "--findings", "marketing-after-withdrawal"},
		},
		{
			Name: "what could not be archived",
			Text: "WhatsApp says that Dora edited a message and does not say to what; Hugo's first one it cannot give at all.\n" +
				"Gita's body arrived cut off, with a signature that fails. All three are kept as they came, and none is silent.",
			Show: []string{"search", "--name", strings.Join([]string{name(MarkNoText), name(MarkUnavailable), name(MarkMalformed)}, ",")},
		},
	}
}

// Message is the platform's id of the one message in a marked record, "" where
// there is none.
func Message(all []Record, mark string) string {
	for _, r := range all {
		if r.Mark != mark {
			continue
		}
		k := record.Record{Value: r.Value}
		for _, it := range whatsapp.NewParser(whatsapp.Options{}).Parse(r.Role, &k, nil).Items {
			return it.ID
		}
	}
	return ""
}
