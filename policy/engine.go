package policy

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
)

//go:embed schema/archive.input.json
var inputSchema []byte

// entry is the rule that decides at ingest.
const entry = "data.waxseal.archive.decision"

// What Decide reports beside a provisional answer.
var (
	ErrUndefined = errors.New("policy gave no answer")
	ErrInvalid   = errors.New("policy gave an invalid answer")
	ErrInput     = errors.New("not an input for a decision")
	ErrTimeout   = errors.New("policy took too long")
	ErrReplay    = errors.New("replay gave another decision")
)

// Options tune an Engine. The zero value is right for production.
type Options struct {
	Config  Config           // laid over the bundle's data.json; part of the revision
	Cache   int              // answers remembered; 0 is 16,384
	Timeout time.Duration    // for one evaluation; 0 is 2 s
	Now     func() time.Time // only dates the provisional lock of an item without a day; nil is time.Now
}

// Engine decides with one bundle. Safe for concurrent use; it never changes: a
// new bundle is a new Engine.
type Engine struct {
	query    rego.PreparedEvalQuery
	bundle   []byte
	revision string
	config   Config
	timeout  time.Duration
	now      func() time.Time
	cache    *cache
}

// Load compiles the bundle in a folder: *.rego (without *_test.rego) and
// data.json. A bundle that cannot decide is ErrBundle, overrides that make no
// sense are ErrConfig.
func Load(ctx context.Context, fsys fs.FS, opt Options) (*Engine, error) {
	files, err := readBundle(fsys)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(files, func(f File) bool { return f.Name == dataFile })
	if i < 0 {
		return nil, fmt.Errorf("no %s: %w", dataFile, ErrBundle)
	}
	data, config, err := mergeConfig([]byte(files[i].Text), opt.Config)
	if err != nil {
		return nil, err
	}
	if err := config.check(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	files[i].Text = string(data)
	return build(ctx, files, config, opt)
}

// Open makes an engine of a bundle as Engine.Bundle gave it, to replay what it
// decided. Options.Config must be empty: the bundle holds its own.
func Open(ctx context.Context, bundle []byte, opt Options) (*Engine, error) {
	files, err := unpack(bundle)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(files, func(f File) bool { return f.Name == dataFile })
	if i < 0 {
		return nil, fmt.Errorf("archived bundle: no %s: %w", dataFile, ErrBundle)
	}
	_, config, err := mergeConfig([]byte(files[i].Text), Config{})
	if err != nil {
		return nil, err
	}
	return build(ctx, files, config, opt)
}

func build(ctx context.Context, files []File, config Config, opt Options) (*Engine, error) {
	e := &Engine{
		config:  config,
		timeout: opt.Timeout,
		now:     opt.Now,
		cache:   newCache(opt.Cache),
	}
	if e.timeout <= 0 {
		e.timeout = 2 * time.Second
	}
	if e.now == nil {
		e.now = time.Now
	}
	var err error
	if e.bundle, e.revision, err = pack(files); err != nil {
		return nil, err
	}
	modules, data, err := parse(files)
	if err != nil {
		return nil, err
	}
	compiler, err := compile(modules)
	if err != nil {
		return nil, err
	}
	e.query, err = rego.New(
		rego.Query(entry),
		rego.Compiler(compiler),
		rego.Store(inmem.NewFromObjectWithOpts(data, inmem.OptReturnASTValuesOnRead(true))),
	).PrepareForEval(ctx)
	if err != nil {
		return nil, fmt.Errorf("prepare policy: %v: %w", err, ErrBundle)
	}
	return e, nil
}

func parse(files []File) (map[string]*ast.Module, map[string]any, error) {
	modules := map[string]*ast.Module{}
	var data map[string]any
	for _, f := range files {
		if f.Name == dataFile {
			if err := json.Unmarshal([]byte(f.Text), &data); err != nil {
				return nil, nil, fmt.Errorf("%s: %v: %w", f.Name, err, ErrBundle)
			}
			continue
		}
		m, err := ast.ParseModuleWithOpts(f.Name, f.Text, ast.ParserOptions{
			ProcessAnnotation: true, Capabilities: capabilities()})
		if err != nil {
			return nil, nil, fmt.Errorf("%v: %w", err, ErrBundle)
		}
		if m == nil {
			return nil, nil, fmt.Errorf("%s: empty: %w", f.Name, ErrBundle)
		}
		modules[f.Name] = m
	}
	return modules, data, nil
}

// compile checks the modules against the capabilities and the input's schema, so
// that a misspelt input field is an error at load and not a rule that never fires.
func compile(modules map[string]*ast.Module) (*ast.Compiler, error) {
	var schema any
	if err := json.Unmarshal(inputSchema, &schema); err != nil {
		return nil, fmt.Errorf("input schema: %w", err)
	}
	schemas := ast.NewSchemaSet()
	schemas.Put(ast.SchemaRootRef, schema)
	c := ast.NewCompiler().WithCapabilities(capabilities()).WithSchemas(schemas).
		WithUseTypeCheckAnnotations(true).WithStrict(true)
	c.Compile(modules)
	if c.Failed() {
		return nil, fmt.Errorf("compile policy: %v: %w", c.Errors, ErrBundle)
	}
	if len(c.GetRulesExact(ast.MustParseRef(entry))) == 0 {
		return nil, fmt.Errorf("no rule %s: %w", entry, ErrBundle)
	}
	return c, nil
}

// Revision names the bundle: the hex SHA-256 of Bundle.
func (e *Engine) Revision() string { return e.revision }

// Bundle is the bundle's bytes with the effective data, to be archived under its
// revision and opened again with Open.
func (e *Engine) Bundle() []byte { return slices.Clone(e.bundle) }

// Classes lists the classes a decision may name, sorted; "provisional" is one.
func (e *Engine) Classes() []string {
	return slices.Sorted(maps.Keys(e.limits()))
}

// Limit is the latest moment a lock of this class, taken now, may last: what a
// forged date is clamped to. ok is false for a class this bundle does not know.
func (e *Engine) Limit(class string, now time.Time) (limit time.Time, ok bool) {
	p, ok := e.limits()[class]
	if !ok {
		return time.Time{}, false
	}
	return p.until(midnight(now)), true
}

// Horizon is the latest Limit of any class: what proves outlives all it proves.
func (e *Engine) Horizon(now time.Time) time.Time {
	var h time.Time
	for _, p := range e.limits() {
		if t := p.until(midnight(now)); t.After(h) {
			h = t
		}
	}
	return h
}

func (e *Engine) limits() map[string]Period {
	m := map[string]Period{provisionalClass: provisionalPeriod}
	for name, c := range e.config.Classes {
		m[name] = c.Max
	}
	return m
}

func midnight(t time.Time) time.Time { return t.UTC().Truncate(24 * time.Hour) }
