package hookswitch_test

import (
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/hookswitch/hookswitch/"

// arrows is who may import whom, of our own packages; the picture of it is in the README. Test files are free, and so are
// the suites, whose point is to import what they test.
var arrows = map[string][]string{
	"schemas":             {},
	"rpc":                 {},
	"rpc/rpctest":         {"rpc"},
	"storage":             {"schemas"},
	"storage/bolt":        {"storage", "schemas"},
	"storage/storagetest": {"storage", "schemas"},
	"delivery":            {"storage", "schemas"},
	"delivery/formattest": {"delivery", "schemas"},
	"methods":             {"rpc", "delivery", "storage", "schemas"},
	"methods/methodstest": {"schemas"},
	"methods/native":      {"methods", "rest", "rpc", "delivery", "schemas"},
	"methods/vision6":     {"methods", "rest", "rpc", "delivery", "schemas"},
	"methods/copernica":   {"methods", "rest", "rpc", "delivery", "schemas"},
	"methods/superoffice": {"methods", "rest", "rpc", "delivery", "schemas"},
	"methods/airstack":    {"methods", "rest", "rpc", "delivery", "schemas"},
	"portal":              {"rpc", "schemas"},
	"reference":           {},
	"reference/generate":  {"reference", "schemas"},
	"rest":                {"rpc"},
	"service": {
		"rpc", "rest", "portal", "reference", "methods", "delivery", "storage", "storage/bolt", "schemas",
		"methods/native", "methods/vision6", "methods/copernica", "methods/superoffice", "methods/airstack",
	},
	"cmd/hookswitch": {"service", "rpc"},
}

func TestImportsFollowTheArrows(t *testing.T) {
	t.Parallel()
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", "./...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	decoder := json.NewDecoder(strings.NewReader(string(out)))
	seen := 0
	for {
		var p struct {
			ImportPath string
			Imports    []string
		}
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimPrefix(p.ImportPath, module)
		if strings.HasPrefix(name, "examples/") || !strings.Contains(p.ImportPath, "/hookswitch/hookswitch/") {
			continue // examples stand for the world outside; the root holds only tests
		}
		seen++
		allowed, known := arrows[name]
		if !known {
			t.Errorf("package %s is not in the table of arrows", name)
			continue
		}
		for _, target := range p.Imports {
			if own, ok := strings.CutPrefix(target, module); ok && !slices.Contains(allowed, own) {
				t.Errorf("%s imports %s: not an arrow of the design", name, own)
			}
		}
	}
	if seen != len(arrows) {
		t.Errorf("saw %d packages of ours, the table has %d", seen, len(arrows))
	}
}

// TestNothingPrintsPastTheLog fails for a print or println of the language: what they write is on no log, and may hold what
// none may show.
func TestNothingPrintsPastTheLog(t *testing.T) {
	t.Parallel()
	out, err := exec.Command("go", "list", "-f", "{{$d := .Dir}}{{range .GoFiles}}{{$d}}/{{.}}\n{{end}}", "./...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	files := strings.Fields(string(out))
	if len(files) < 100 {
		t.Fatalf("go list names only %d files", len(files))
	}
	for _, name := range files {
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok {
				if f, ok := call.Fun.(*ast.Ident); ok && (f.Name == "print" || f.Name == "println") {
					t.Errorf("%s calls %s", set.Position(call.Pos()), f.Name)
				}
			}
			return true
		})
	}
}
