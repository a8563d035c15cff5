package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/urfave/cli/v3"
	"go.yaml.in/yaml/v3"
)

// The settings that are variables only: other users of a machine can see flags, and files are copied about.
const (
	adminKeyVariable      = variablePrefix + "ADMIN_KEY"
	encryptionKeyVariable = variablePrefix + "ENCRYPTION_KEY"
)

// print writes the settings in effect as a file that would set the same, each with its source, and whether it changes live.
// No secret is shown.
func (s *settings) print(w io.Writer) error {
	table := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	for _, f := range s.Flags {
		name := f.Names()[0]
		value, err := yamlOf(f, s.Value(name))
		if err != nil {
			return fmt.Errorf("print %s: %w", name, err)
		}
		note := s.sources[name]
		if slices.Contains(liveSettings, name) {
			note += "; live"
		}
		fmt.Fprintf(table, "%s: %s\t# %s\n", name, value, note)
	}
	for _, name := range []string{adminKeyVariable, encryptionKeyVariable} {
		if os.Getenv(name) != "" {
			fmt.Fprintf(table, "# %s is set; it is never shown\n", name)
		}
	}
	for _, line := range warnings(unknownVariables(os.Environ())) {
		fmt.Fprintln(table, "# "+line)
	}
	return table.Flush()
}

// yamlOf is a value on one line of YAML.
func yamlOf(f cli.Flag, value any) (string, error) {
	texts := textsOf(value)
	if !isList(f) {
		if _, text := f.(*cli.StringFlag); !text {
			return texts[0], nil
		}
		line, err := yaml.Marshal(texts[0])
		return strings.TrimSpace(string(line)), err
	}
	list := yaml.Node{Kind: yaml.SequenceNode, Style: yaml.FlowStyle}
	for _, text := range texts {
		var item yaml.Node
		item.SetString(text)
		list.Content = append(list.Content, &item)
	}
	line, err := yaml.Marshal(&list)
	return strings.TrimSpace(string(line)), err
}
