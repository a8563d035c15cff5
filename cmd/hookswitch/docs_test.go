package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestCommandsOfTheDocsRun runs every ```sh block of the README and of docs against a real server, as a reader would paste
// it, and the commands of every ```shell-session block; blocks of one page share a server and a directory, which looks like a clone.
func TestCommandsOfTheDocsRun(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("no curl on this machine")
	}
	all := pages(t)
	if len(all) < 10 {
		t.Errorf("found only %d pages", len(all))
	}
	for _, page := range all {
		scripts := scriptsOf(t, page)
		if len(scripts) == 0 {
			continue
		}
		t.Run(filepath.Base(page), func(t *testing.T) {
			t.Parallel()
			runScripts(t, scripts)
		})
	}
}

// runScripts runs the scripts of a page, one after the other, against a server of their own.
func runScripts(t *testing.T, scripts []string) {
	t.Helper()
	s, dir := startServer(t, t.TempDir(), adminKey), clone(t)
	addresses := strings.NewReplacer("http://127.0.0.1:8080", s.address, "127.0.0.1:9000", freeAddress(t))
	for _, script := range scripts {
		script = addresses.Replace(script)
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		pasted := exec.CommandContext(ctx, "sh", "-e", "-c", script)
		pasted.Dir = dir
		pasted.Env = append(pasted.Environ(), "KEY="+adminKey, "HOOKSWITCH_KEY="+adminKey, "HOOKSWITCH_SERVER="+s.address)
		out, err := pasted.CombinedOutput()
		cancel()
		if err != nil || strings.Contains(string(out), `"error":{`) {
			t.Errorf("%v\n%s\n%s", err, script, out)
		}
	}
}

// scriptsOf are the ```sh blocks of a page and, as scripts, the lines of its ```shell-session blocks that begin with "$ ".
func scriptsOf(t *testing.T, page string) []string {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	var scripts []string
	for _, b := range regexp.MustCompile("(?s)```(sh|shell-session)\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
		script := b[2]
		if b[1] == "shell-session" {
			script = ""
			for line := range strings.Lines(b[2]) {
				if command, ok := strings.CutPrefix(line, "$ "); ok {
					script += command
				}
			}
		}
		scripts = append(scripts, script)
	}
	return scripts
}

// clone is a directory with what the pages run of a clone. A process that a page starts, with its number in a file bin/*.pid,
// ends with the test also when the page does not come to its end.
func clone(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"go.mod", "go.sum", "examples"} {
		target, err := filepath.Abs(filepath.Join("../..", name))
		if err == nil {
			err = os.Symlink(target, filepath.Join(dir, name))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		files, _ := filepath.Glob(filepath.Join(dir, "bin", "*.pid")) // the pattern is good
		for _, file := range files {
			text, err := os.ReadFile(file)
			number, bad := strconv.Atoi(strings.TrimSpace(string(text)))
			if process, none := os.FindProcess(number); err == nil && bad == nil && none == nil {
				_ = process.Kill() // it may have ended
			}
		}
	})
	return dir
}

// pages are the README and every page of docs, at any depth that is in use.
func pages(t *testing.T) []string {
	t.Helper()
	list := []string{"../../README.md"}
	for _, pattern := range []string{"../../docs/*.md", "../../docs/*/*.md"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, found...)
	}
	return list
}

// TestLinksOfTheDocsLead checks that every relative link of README and docs names a file, and a heading of it where it names one.
func TestLinksOfTheDocsLead(t *testing.T) {
	t.Parallel()
	link := regexp.MustCompile(`\]\(([^):#]*)(#[^):]*)?\)`)
	known := map[string][]string{} // anchors of the pages that were led to
	for _, page := range append(pages(t), "../../CONTRIBUTING.md") {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range link.FindAllStringSubmatch(string(text), -1) {
			target := page
			if m[1] != "" {
				target = filepath.Join(filepath.Dir(page), m[1])
			}
			_, seen := known[target]
			if m[2] != "" && filepath.Ext(target) == ".md" && !seen {
				known[target] = anchors(t, target)
			}
			switch _, err := os.Stat(target); {
			case err != nil:
				t.Errorf("%s links to %s, which is not there", filepath.Base(page), m[1])
			case m[2] != "" && filepath.Ext(target) == ".md" && !slices.Contains(known[target], m[2]):
				t.Errorf("%s links to %s%s: there is no such heading", filepath.Base(page), m[1], m[2])
			}
		}
	}
}

// anchors are those of a page's headings: in lower case, without marks, with hyphens for spaces.
func anchors(t *testing.T, page string) []string {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	mark := regexp.MustCompile(`[^\p{L}\p{N} _-]`)
	for _, m := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(string(text), -1) {
		plain := mark.ReplaceAllString(strings.ToLower(m[1]), "")
		list = append(list, "#"+strings.ReplaceAll(plain, " ", "-"))
	}
	return list
}

// TestIndexesNameEveryPage checks that the page docs/README.md leads to every page, and that of the decisions to every one.
func TestIndexesNameEveryPage(t *testing.T) {
	t.Parallel()
	for _, page := range pages(t)[1:] {
		folder := filepath.Dir(page)
		if filepath.Base(folder) != "decisions" {
			folder = "../../docs"
		}
		index := filepath.Join(folder, "README.md")
		if page == index {
			continue
		}
		text, err := os.ReadFile(index)
		if err != nil {
			t.Fatal(err)
		}
		name, err := filepath.Rel(folder, page)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(text), "("+filepath.ToSlash(name)+")") {
			t.Errorf("%s does not link to %s", index, name)
		}
	}
}
