package main

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/urfave/cli/v3"
)

var update = flag.Bool("update", false, "rewrite the pages that are made from the settings")

const (
	settingsPage    = "../../docs/configuration.md"
	exampleSettings = "../../deploy/hookswitch.example.yaml"
)

// TestPagesOfTheSettings checks that the table of docs/configuration.md and the example file are what the flags say.
func TestPagesOfTheSettings(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(settingsPage)
	if err != nil {
		t.Fatal(err)
	}
	table := regexp.MustCompile(`(?s)(<!-- settings: [^\n]*-->\n).*(<!-- end of settings -->)`)
	if !table.Match(page) {
		t.Fatalf("%s has no place for the table", settingsPage)
	}
	fresh := table.ReplaceAllFunc(page, func(all []byte) []byte {
		edges := table.FindSubmatch(all)
		return slices.Concat(edges[1], []byte(settingsTable(t)), edges[2])
	})
	for path, want := range map[string]string{settingsPage: string(fresh), exampleSettings: exampleFile(t)} {
		if *update {
			if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != want {
			t.Errorf("%s is not what the flags say (%v); run this test with -update", path, err)
		}
	}
}

// usageOf is the help of a flag in a sentence.
func usageOf(t *testing.T, f cli.Flag) string {
	t.Helper()
	documented, ok := f.(cli.DocGenerationFlag)
	if !ok || documented.GetUsage() == "" {
		t.Fatalf("--%s has no help", f.Names()[0])
	}
	usage := documented.GetUsage()
	return strings.ToUpper(usage[:1]) + usage[1:] + "."
}

func settingsTable(t *testing.T) string {
	t.Helper()
	var out strings.Builder
	out.WriteString("| flag and key | variable | default | live | meaning |\n|---|---|---|---|---|\n")
	for _, f := range serviceFlags() {
		name, live := f.Names()[0], ""
		if slices.Contains(liveSettings, name) {
			live = "yes"
		}
		value := strings.Join(textsOf(f.Get()), " ")
		switch {
		case value != "":
			value = "`" + value + "`"
		case isList(f):
			value = "none"
		}
		meaning := strings.ReplaceAll(usageOf(t, f), "|", `\|`)
		fmt.Fprintf(&out, "| `--%s` | `%s` | %s | %s | %s |\n", name, variableOf(name), value, live, meaning)
	}
	return out.String()
}

func exampleFile(t *testing.T) string {
	t.Helper()
	var out strings.Builder
	out.WriteString("# Every setting of hookswitch serve, with its default; see docs/configuration.md. Take away the # of what is to change.\n" +
		"#\n#     hookswitch serve --config hookswitch.yaml\n")
	for _, f := range serviceFlags() {
		value, err := yamlOf(f, f.Get())
		if err != nil {
			t.Fatal(err)
		}
		usage := strings.ReplaceAll(usageOf(t, f), "`", "")
		fmt.Fprintf(&out, "\n# %s\n#%s: %s\n", usage, f.Names()[0], value)
	}
	return out.String()
}

// TestExampleOfTheSettingsLoads loads the example as it is, and with every key in force, which must change nothing.
func TestExampleOfTheSettingsLoads(t *testing.T) {
	t.Parallel()
	example, err := os.ReadFile(exampleSettings)
	if err != nil {
		t.Fatal(err)
	}
	inForce := regexp.MustCompile(`(?m)^#([a-z])`).ReplaceAll(example, []byte("$1"))
	for name, text := range map[string][]byte{"as it is": example, "in force": inForce} {
		path := t.TempDir() + "/hookswitch.yaml"
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		command := &cli.Command{Flags: []cli.Flag{&cli.StringFlag{Name: "config", Value: path}}}
		command.Flags = append(command.Flags, serviceFlags()...)
		set, err := resolve(command, serviceFlags())
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, f := range serviceFlags() {
			flag := f.Names()[0]
			if got, want := textsOf(set.Value(flag)), textsOf(f.Get()); !slices.Equal(got, want) {
				t.Errorf("%s: %s is %q, by default %q", name, flag, got, want)
			}
			if fromFile := set.sources[flag] != sourceDefault; fromFile != (name == "in force") {
				t.Errorf("%s: %s comes from %s", name, flag, set.sources[flag])
			}
		}
	}
}

func TestEverySettingThatIsLiveIsThere(t *testing.T) {
	t.Parallel()
	for _, name := range liveSettings {
		if !slices.ContainsFunc(serviceFlags(), func(f cli.Flag) bool { return f.Names()[0] == name }) {
			t.Errorf("no flag is called %s", name)
		}
	}
}

func FuzzConfigFile(f *testing.F) {
	for _, text := range []string{"listen: :80", "a: [b, c]\nd: {}\na:", "&a [*a]", "a: &x [*x]", "a: !!binary x", "---\n---\n", "\t", "? [a]\n: b", "<<: *a"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		file := &configFile{path: "f", entries: map[string]entry{}}
		faults := file.parse(text)
		for _, fault := range faults {
			if !strings.HasPrefix(fault.text, "f:") {
				t.Errorf("a fault without its place: %s", fault.text)
			}
		}
	})
}
