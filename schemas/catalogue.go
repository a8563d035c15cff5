package schemas

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// files holds one file per RPC method, named after it, and what the methods share.
//
//go:embed methods/*.json openrpc.json
var files embed.FS

// Catalogue knows the shape of every RPC method: it checks parameters and describes itself. It is not changed after
// [Load] and safe for concurrent use.
type Catalogue struct {
	shell   shell                  // what surrounds the methods in the OpenRPC document
	files   map[string]*methodFile // by method
	methods map[string]map[string]*form
	results map[string]*jsonschema.Schema
	event   *form // of publishEvent: the shape of one event
}

// Load compiles the embedded files and checks every example in them. An error is a fault of the program.
func Load() (*Catalogue, error) { return load(files) }

func load(files fs.FS) (*Catalogue, error) {
	c := &Catalogue{
		files:   map[string]*methodFile{},
		methods: map[string]map[string]*form{},
		results: map[string]*jsonschema.Schema{},
	}
	if err := readStrict(files, "openrpc.json", &c.shell); err != nil {
		return nil, err
	}
	names, err := fs.Glob(files, "methods/*.json")
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		m := new(methodFile)
		if err := readStrict(files, name, m); err != nil {
			return nil, err
		}
		if m.Name+".json" != path.Base(name) {
			return nil, fmt.Errorf("%s describes a method of another name", name)
		}
		if err := m.settle(); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		c.files[m.Name] = m
	}
	if err := c.compile(); err != nil {
		return nil, err
	}
	if c.event, err = c.form("publishEvent", ""); err != nil {
		return nil, err
	}
	return c, c.checkExamples()
}

// Has reports whether there is a method of that name.
func (c *Catalogue) Has(method string) bool { return c.files[method] != nil }

// Names are the names of all methods, sorted; rpc.discover is among them.
func (c *Catalogue) Names() []string { return slices.Sorted(maps.Keys(c.files)) }

// form finds a form of a method; "" is the only form of a method that has no others.
func (c *Catalogue) form(method, name string) (*form, error) {
	f, ok := c.methods[method][name]
	if ok {
		return f, nil
	}
	if c.files[method] == nil {
		return nil, fmt.Errorf("no schema file describes the method %q", method)
	}
	return nil, fmt.Errorf("the schema file of %s has no form %q", method, name)
}

// readStrict decodes a file and refuses members it does not know.
func readStrict(files fs.FS, name string, into any) error {
	text, err := fs.ReadFile(files, name)
	if err != nil {
		return err
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}
