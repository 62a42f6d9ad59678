package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/waxseal/waxseal/archiver/index/clickhouse"
	"github.com/waxseal/waxseal/archiver/keyring"
	"github.com/waxseal/waxseal/archiver/whatsapp"
	"github.com/waxseal/waxseal/ledger"
	"github.com/waxseal/waxseal/policy"
)

// Settings are the effective options of a process, each from a flag, else a
// WAXSEAL_ variable, else the YAML file, else its default.
type Settings struct {
	Data   string // folder; absolute
	Broker string // host:port,… of another Kafka; "" is the embedded one
	Kafka  cluster
	Output string // text, json or jsonl
	Zone   *time.Location

	Name       string           // of the archive: the origin of its logs
	Evaluation bool             // locks of minutes; part of genesis
	Demo       bool             // the demonstration is meant, and no other archive
	Immutable  bool             // ask the kernel to refuse changes of locked files
	Partitions int              // of wa.webhooks on the embedded broker
	Buckets    map[string]place // of the stores that are no folder
	Topics     map[whatsapp.Role]string
	Policy     string        // folder or bundle; "" is the built-in policy
	Rules      policy.Config // periods and profiles laid over its data
	Linger     time.Duration // longest wait before a block is sealed
	ClickHouse string        // address of the index, with its password; "" is a SQLite file
	Unindexed  bool          // make no index rows; 'waxseal reindex' makes an index of what is archived
	Heads      time.Duration // interval at which control seals the lanes' heads

	Classic    bool // identities of a new archive are X25519
	Recipients map[keyring.Role][]string
	Passphrase string
	Scrypt     int // log2 of scrypt's N for a passphrase set here

	Gateway GatewaySettings

	LogLevel  string
	LogFormat string

	values []value
}

// Keys is the key folder.
func (s *Settings) Keys() string { return filepath.Join(s.Data, "keys") }

// setting is one option: what it is called everywhere and how its text becomes
// a field of Settings.
type setting struct {
	name   string // in the YAML file, with dots; in the environment WAXSEAL_ and upper case
	def    string
	help   string
	secret bool
	show   func(text string) string // what others may see of a text; nil all
	list   bool
	values []string // the only ones allowed, nil any
	set    func(*Settings, value) error
}

// env is the variable of a setting.
func (s setting) env() string {
	return "WAXSEAL_" + strings.ToUpper(strings.ReplaceAll(s.name, ".", "_"))
}

// shown is the text of a value as others may see it.
func (v value) shown() string {
	switch {
	case v.secret && v.text != "":
		return hidden
	case v.show != nil:
		return v.show(v.text)
	}
	return v.text
}

// value is the effective text of a setting and where it came from.
type value struct {
	setting
	text   string
	items  []string // of a list
	source string   // "flag --data", "WAXSEAL_DATA", "file.yaml:3", "default"
}

func settings() []setting {
	return slices.Concat(generalSettings(), archiveSettings(), storeSettings(), topicSettings(), kafkaSettings(), gatewaySettings(), keySettings(), logSettings())
}

func generalSettings() []setting {
	return []setting{
		{name: "data", def: "waxseal-data", help: "folder with everything of the archive", set: setData},
		{name: "broker", help: "another Kafka (host:port, more than one with commas); without it the embedded broker", set: text(func(s *Settings) *string { return &s.Broker })},
		{name: "output", def: "text", values: []string{"text", "json", "jsonl"}, help: "text for people, json one document, jsonl one line each", set: text(func(s *Settings) *string { return &s.Output })},
		{name: "tz", def: "Local", help: "time zone of what is shown and typed, as Europe/Berlin; JSON is always UTC", set: setZone},
	}
}

func archiveSettings() []setting {
	return []setting{
		{name: "name", def: "archive.local", help: "name of the archive, fixed when it is made: the origin of its logs", set: setName},
		{name: "mode", def: "production", values: []string{"production", "evaluation"}, help: "evaluation locks for minutes; fixed when the archive is made", set: func(s *Settings, v value) error {
			s.Evaluation = v.text == "evaluation"
			return nil
		}},
		{name: "immutable", def: "off", values: []string{"on", "off"}, help: "on: locked files also get the kernel's immutable flag, where it is granted (root on Linux)", set: func(s *Settings, v value) error {
			s.Immutable = v.text == "on"
			return nil
		}},
		{name: "partitions", def: "4", help: "lanes of a new embedded broker", set: setPartitions},
		{name: "policy", help: "folder or bundle with the policy; without it the built-in one", set: text(func(s *Settings) *string { return &s.Policy })},
		{name: "rules", help: "YAML file with periods, profiles and numbers, laid over the policy's data", set: setRules},
		{name: "linger", def: "1s", help: "longest wait before what arrived is sealed; five times as long while Kafka holds more", set: duration(func(s *Settings) *time.Duration { return &s.Linger })},
		{name: "index", def: "sqlite", show: clickhouse.Redact, help: "sqlite, a file in the data folder; clickhouse://USER:PASSWORD@HOST:PORT/DATABASE?secure=true, with protocol=http where the port is that of HTTP; or off: none is kept while archiving, 'waxseal reindex' makes one when it is needed", set: setIndex},
		{name: "heads", def: "1m", help: "how often the lanes' heads are sealed in the control lane", set: duration(func(s *Settings) *time.Duration { return &s.Heads })},
	}
}

func topicSettings() []setting {
	roles := []struct {
		role whatsapp.Role
		def  string
		help string
	}{
		{whatsapp.RoleWebhooks, "wa.webhooks", "topic of webhook bodies; its partitions are the lanes"},
		{whatsapp.RoleSends, "wa.sends", "topic of API sends"},
		{whatsapp.RoleConsent, "wa.consent", "topic of consent events"},
		{whatsapp.RoleTemplates, "wa.templates", "topic of template snapshots"},
		{whatsapp.RoleDirectory, "wa.directory", "topic of who answers on which number"},
		{whatsapp.RoleMedia, "wa.media", "topic of media bytes"},
	}
	out := make([]setting, 0, len(roles))
	for _, r := range roles {
		out = append(out, setting{name: "topics." + string(r.role), def: r.def, help: r.help, set: func(s *Settings, v value) error {
			if v.text == "" {
				return fmt.Errorf("a topic needs a name")
			}
			for other, name := range s.Topics {
				if name == v.text && other != r.role {
					return fmt.Errorf("topic %q carries %s already", v.text, other)
				}
			}
			s.Topics[r.role] = v.text
			return nil
		}})
	}
	return out
}

func keySettings() []setting {
	out := []setting{
		{name: "kind", def: string(keyring.PostQuantum), values: []string{string(keyring.PostQuantum), string(keyring.Classic)}, help: "kind of a new archive's identities", set: func(s *Settings, v value) error {
			s.Classic = v.text == string(keyring.Classic)
			return nil
		}},
		{name: "passphrase", secret: true, help: "passphrase of the identities", set: text(func(s *Settings) *string { return &s.Passphrase })},
		{name: "scrypt", def: "18", help: "work to try one passphrase of a new identity, log2 of scrypt's N; 18 is a second", set: setScrypt},
	}
	for _, role := range keyring.Roles() {
		out = append(out, setting{name: "recipients." + string(role), list: true, help: "age recipients the firm brings itself, as " + string(role), set: func(s *Settings, v value) error {
			if len(v.items) > 0 {
				s.Recipients[role] = v.items
			}
			return nil
		}})
	}
	return out
}

func logSettings() []setting {
	return []setting{
		{name: "log.level", def: "info", values: []string{"debug", "info", "warn", "error"}, help: "least severe line in the log", set: text(func(s *Settings) *string { return &s.LogLevel })},
		{name: "log.format", def: "text", values: []string{"text", "json"}, help: "form of the log", set: text(func(s *Settings) *string { return &s.LogFormat })},
	}
}

// text makes a set function for a string field.
func text(field func(*Settings) *string) func(*Settings, value) error {
	return func(s *Settings, v value) error { *field(s) = v.text; return nil }
}

// duration makes a set function for a positive duration field.
func duration(field func(*Settings) *time.Duration) func(*Settings, value) error {
	return func(s *Settings, v value) error {
		d, err := time.ParseDuration(v.text)
		if err != nil || d <= 0 {
			return fmt.Errorf("%q is no duration (as 30s or 1m)", v.text)
		}
		*field(s) = d
		return nil
	}
}

func setData(s *Settings, v value) error {
	abs, err := filepath.Abs(v.text)
	if err != nil || v.text == "" {
		return fmt.Errorf("%q is no folder", v.text)
	}
	s.Data = abs
	return nil
}

func setZone(s *Settings, v value) error {
	zone, err := time.LoadLocation(v.text)
	if err != nil || v.text == "" {
		return fmt.Errorf("%q is no time zone (as Europe/Berlin, UTC or Local)", v.text)
	}
	s.Zone = zone
	return nil
}

// setRules reads the firm's own periods.
func setRules(s *Settings, v value) error {
	if v.text == "" {
		return nil
	}
	text, err := os.ReadFile(v.text)
	if err != nil {
		return err
	}
	s.Rules, err = policy.ParseConfig(text)
	return err
}

// setIndex reads where the index is.
func setIndex(s *Settings, v value) error {
	switch v.text {
	case "sqlite":
	case "off":
		s.Unindexed = true
	default:
		if err := clickhouse.Check(v.text); err != nil {
			return fmt.Errorf("neither sqlite nor off nor an address: %w", err)
		}
		s.ClickHouse = v.text
	}
	return nil
}

// setName keeps to what a checkpoint's origin line and key name allow.
func setName(s *Settings, v value) error {
	for _, r := range v.text {
		if r <= ' ' || r == '+' || r > '~' {
			return fmt.Errorf("%q: a name is made of printable ASCII without spaces and +", v.text)
		}
	}
	if !ledger.ValidArchive(v.text) {
		return fmt.Errorf("%q is no name for an archive: it becomes the origin of its logs", v.text)
	}
	if v.text == "" || len(v.text) > 100 {
		return fmt.Errorf("a name has 1 to 100 characters")
	}
	if strings.HasPrefix(v.text, demoPrefix) {
		return fmt.Errorf("%q: names that begin with %s are for demonstrations ('waxseal run --demo' puts it in front itself)", v.text, demoPrefix)
	}
	s.Name = v.text
	return nil
}

func setPartitions(s *Settings, v value) error {
	n, err := strconv.Atoi(v.text)
	if err != nil || n < 1 || n > 1024 {
		return fmt.Errorf("%q is no number of partitions (1 to 1024)", v.text)
	}
	s.Partitions = n
	return nil
}

// setScrypt keeps to what age opens: 22 is the most it will try.
func setScrypt(s *Settings, v value) error {
	n, err := strconv.Atoi(v.text)
	if err != nil || n < 10 || n > 22 {
		return fmt.Errorf("%q is no work factor (10 to 22)", v.text)
	}
	s.Scrypt = n
	return nil
}
