package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"

	"go.yaml.in/yaml/v3"
)

// configFile is a file of settings: YAML, a key for each flag, named as the flag is.
type configFile struct {
	path    string // "" for none
	entries map[string]entry
}

// entry is what a file says of one key.
type entry struct {
	line  int
	texts []string
	list  bool
}

func (f *configFile) place(line int) string { return fmt.Sprintf("%s:%d", f.path, line) }

// readConfigFile reads a file of settings; no path means no settings. Whether its keys are known is not looked at.
func readConfigFile(path string) (*configFile, []fault) {
	file := &configFile{path: path, entries: map[string]entry{}}
	if path == "" {
		return file, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return file, []fault{{0, "--config: " + err.Error()}}
	}
	return file, file.parse(text)
}

func (f *configFile) parse(text []byte) []fault {
	var document yaml.Node
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	if err := decoder.Decode(&document); errors.Is(err, io.EOF) {
		return nil // nothing but comments
	} else if err != nil {
		return []fault{{0, f.syntax(err)}}
	}
	var more yaml.Node
	if err := decoder.Decode(&more); err == nil {
		return []fault{{more.Line, f.place(more.Line) + ": a second document begins here; only one is read"}}
	} else if !errors.Is(err, io.EOF) {
		return []fault{{0, f.syntax(err)}}
	}
	return f.fill(document.Content[0])
}

// fill takes the entries out of the top level of a document.
func (f *configFile) fill(top *yaml.Node) (faults []fault) {
	if top.Kind == yaml.ScalarNode && top.Tag == "!!null" {
		return nil
	}
	if top.Kind != yaml.MappingNode {
		return []fault{{top.Line, f.place(top.Line) + `: must consist of lines such as "listen: 127.0.0.1:8080"`}}
	}
	for i := 0; i+1 < len(top.Content); i += 2 {
		name, line := top.Content[i].Value, top.Content[i].Line
		say := func(format string, args ...any) {
			faults = append(faults, fault{line, f.place(line) + ": " + name + " " + fmt.Sprintf(format, args...)})
		}
		if former, twice := f.entries[name]; twice {
			say("is set already in line %d", former.line)
			continue
		}
		texts, list, wrong := plain(top.Content[i+1])
		f.entries[name] = entry{line, texts, list}
		if wrong != "" {
			say("%s", wrong)
		}
	}
	return faults
}

// plain is the text of a scalar, or those of a list of scalars.
func plain(n *yaml.Node) (texts []string, list bool, wrong string) {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	switch {
	case n.Kind == yaml.ScalarNode && n.Tag == "!!null":
		return nil, false, "has no value; leave the line out to have the default"
	case n.Kind == yaml.ScalarNode:
		return []string{n.Value}, false, ""
	case n.Kind != yaml.SequenceNode:
		return nil, false, "must be a value or a list of values"
	}
	for _, item := range n.Content {
		if item.Kind != yaml.ScalarNode || item.Tag == "!!null" {
			return nil, true, "must be a list of plain values"
		}
		texts = append(texts, item.Value)
	}
	return texts, true, ""
}

// syntaxError is how the library says where a file stops being YAML.
var syntaxError = regexp.MustCompile(`^yaml: line (\d+): `)

func (f *configFile) syntax(err error) string {
	if m := syntaxError.FindStringSubmatch(err.Error()); m != nil {
		return f.path + ":" + m[1] + ": not YAML: " + err.Error()[len(m[0]):]
	}
	return f.path + ": not YAML: " + err.Error()
}
