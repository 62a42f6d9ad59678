package policy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"

	"go.yaml.in/yaml/v3"
)

// ErrConfig is returned for overrides that do not make sense; the error says
// which entry and what to write instead.
var ErrConfig = errors.New("policy configuration")

// Config is what a firm may say over the bundle's data.json: in YAML or JSON,
// every part optional. The README has an example.
type Config struct {
	DefaultProfile string             `yaml:"default_profile" json:"default_profile,omitempty"`
	Classes        map[string]Class   `yaml:"classes" json:"classes,omitempty"`
	Profiles       map[string]Profile `yaml:"profiles" json:"profiles,omitempty"`
	Numbers        map[string]Number  `yaml:"numbers" json:"numbers,omitempty"` // by phone_number_id
}

// Class is what holds for a class everywhere.
type Class struct {
	Max Period `yaml:"max" json:"max"` // the longest lock a decision may ask for
}

// Profile says the periods of each class; "*" is for those it does not name.
type Profile map[string]Keep

// Keep is a pair of periods. Duty "none" is no duty. Both are always written, so
// that nobody drops a duty by lengthening a retention.
type Keep struct {
	Duty   Period `yaml:"duty" json:"duty"`
	Retain Period `yaml:"retain" json:"retain"`
}

const noDuty Period = "none"

// Number is what holds for one business number.
type Number struct {
	Profile    string          `yaml:"profile" json:"profile,omitempty"`
	Department string          `yaml:"department" json:"department,omitempty"`
	Classes    map[string]Keep `yaml:"classes" json:"classes,omitempty"`
}

// ParseConfig reads YAML or JSON; an unknown key is an error. Empty text is an
// empty Config.
func ParseConfig(text []byte) (Config, error) {
	var c Config
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(&c); err != nil && !errors.Is(err, io.EOF) {
		return Config{}, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	if err := d.Decode(new(any)); !errors.Is(err, io.EOF) {
		return Config{}, fmt.Errorf("%w: one document is expected", ErrConfig)
	}
	return c, nil
}

// mergeConfig lays the overrides over data.json and gives its effective bytes.
func mergeConfig(data []byte, c Config) ([]byte, Config, error) {
	var doc map[string]json.RawMessage
	if err := json.Unmarshal(data, &doc); err != nil {
		return nil, Config{}, fmt.Errorf("%s: %v: %w", dataFile, err, ErrBundle)
	}
	var ours map[string]json.RawMessage
	if err := json.Unmarshal(doc["waxseal"], &ours); err != nil {
		return nil, Config{}, fmt.Errorf(`%s: "waxseal" must be an object: %w`, dataFile, ErrBundle)
	}
	var base Config
	if err := json.Unmarshal(doc["waxseal"], &base); err != nil {
		return nil, Config{}, fmt.Errorf("%s: %v: %w", dataFile, err, ErrBundle)
	}
	merged := base.with(c)
	for name, part := range map[string]any{
		"classes": merged.Classes, "default_profile": merged.DefaultProfile,
		"numbers": merged.Numbers, "profiles": merged.Profiles,
	} {
		b, err := compact(part)
		if err != nil {
			return nil, Config{}, err
		}
		ours[name] = b
	}
	b, err := compact(ours)
	if err != nil {
		return nil, Config{}, err
	}
	doc["waxseal"] = b
	out, err := compact(doc)
	return out, merged, err
}

// with lays others over c: classes, profile entries and numbers are replaced one by one.
func (c Config) with(over Config) Config {
	out := Config{c.DefaultProfile, map[string]Class{}, map[string]Profile{}, map[string]Number{}}
	if over.DefaultProfile != "" {
		out.DefaultProfile = over.DefaultProfile
	}
	for _, from := range []Config{c, over} {
		maps.Copy(out.Classes, from.Classes)
		maps.Copy(out.Numbers, from.Numbers)
		for name, p := range from.Profiles {
			if out.Profiles[name] == nil {
				out.Profiles[name] = Profile{}
			}
			maps.Copy(out.Profiles[name], p)
		}
	}
	return out
}

var (
	nameForm   = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,31}$`)
	numberForm = regexp.MustCompile(`^[0-9]{1,32}$`)
)

// check says what is wrong with an effective configuration.
func (c Config) check() error {
	if len(c.Classes) == 0 {
		return errors.New("classes: none")
	}
	for _, name := range slices.Sorted(maps.Keys(c.Classes)) {
		if !nameForm.MatchString(name) || name == provisionalClass {
			return fmt.Errorf("classes: %q is no class name", name)
		}
		if err := c.Classes[name].Max.check(); err != nil {
			return fmt.Errorf("classes: %s: max: %w", name, err)
		}
	}
	if _, ok := c.Profiles[c.DefaultProfile]; !ok {
		return fmt.Errorf("default_profile: no profile %q", c.DefaultProfile)
	}
	for _, name := range slices.Sorted(maps.Keys(c.Profiles)) {
		if err := c.checkProfile(c.Profiles[name]); err != nil {
			return fmt.Errorf("profiles: %s: %w", name, err)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(c.Numbers)) {
		if err := c.checkNumber(id, c.Numbers[id]); err != nil {
			return fmt.Errorf("numbers: %w", err)
		}
	}
	return nil
}

// checkProfile wants an answer for every class that fits the class's maximum.
func (c Config) checkProfile(p Profile) error {
	if _, ok := p["*"]; !ok {
		return errors.New(`it needs an entry "*" for the classes it does not name`)
	}
	if err := c.checkKeeps(p); err != nil {
		return err
	}
	for _, class := range slices.Sorted(maps.Keys(c.Classes)) {
		if _, ok := p[class]; !ok && p["*"].Retain.longer(c.Classes[class].Max) {
			return fmt.Errorf(`"*" retains %s, longer than the maximum of class %s (%s); give that class an entry`,
				p["*"].Retain, class, c.Classes[class].Max)
		}
	}
	return nil
}

func (c Config) checkNumber(id string, n Number) error {
	if !numberForm.MatchString(id) {
		return errors.New("a key is no phone_number_id (digits, without + or spaces)")
	}
	if _, ok := c.Profiles[n.Profile]; !ok && n.Profile != "" {
		return fmt.Errorf("%s: no profile %q", id, n.Profile)
	}
	if len(n.Department) > maxLabel-len("department:") {
		return fmt.Errorf("%s: department is longer than %d bytes", id, maxLabel-len("department:"))
	}
	if _, ok := n.Classes["*"]; ok {
		return fmt.Errorf(`%s: classes: "*" stands in profiles only`, id)
	}
	if err := c.checkKeeps(n.Classes); err != nil {
		return fmt.Errorf("%s: classes: %w", id, err)
	}
	return nil
}

func (c Config) checkKeeps(keeps map[string]Keep) error {
	for _, class := range slices.Sorted(maps.Keys(keeps)) {
		k := keeps[class]
		limit, known := c.Classes[class]
		if !known && class != "*" {
			return fmt.Errorf("no class %q", class)
		}
		if err := k.check(); err != nil {
			return fmt.Errorf("%s: %w", class, err)
		}
		if known && k.Retain.longer(limit.Max) {
			return fmt.Errorf("%s: retain %s is longer than the class's maximum %s", class, k.Retain, limit.Max)
		}
	}
	return nil
}

func (k Keep) check() error {
	if k.Duty == "" {
		return errors.New("duty: write a period, or none")
	}
	if err := k.Retain.check(); err != nil {
		return fmt.Errorf("retain: %w", err)
	}
	if k.Duty == noDuty {
		return nil
	}
	if err := k.Duty.check(); err != nil {
		return fmt.Errorf("duty: %w", err)
	}
	if k.Duty.longer(k.Retain) {
		return fmt.Errorf("duty %s is longer than retain %s", k.Duty, k.Retain)
	}
	return nil
}
