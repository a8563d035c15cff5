package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch/reference"
	"github.com/hookswitch/hookswitch/schemas"
)

const typeScriptClient = "../../clients/typescript"

// TestTypeScriptClient makes the client anew from the schemas, compiles it as strictly as the compiler can, and has
// Node.js use it against a real server.
func TestTypeScriptClient(t *testing.T) {
	t.Parallel()
	compiler, err := filepath.Abs(typeScriptClient + "/node_modules/typescript/bin/tsc")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(compiler); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("the TypeScript compiler is not installed: run make clients")
		}
		t.Skip("the TypeScript compiler is not installed: run make clients")
	}
	dir := typeScriptSources(t)
	node(t, compiler, "--project", dir)
	node(t, compiler, "--project", filepath.Join(dir, "test"))

	s := startServer(t, t.TempDir(), adminKey)
	node(t, typeScriptClient+"/test/scene.mjs", filepath.Join(dir, "dist", "index.js"), s.address, adminKey)
}

// typeScriptSources is a copy of the client's sources with what is made from the schemas.
func typeScriptSources(t *testing.T) string {
	t.Helper()
	catalogue, err := schemas.Load()
	if err != nil {
		t.Fatal(err)
	}
	document, err := reference.Read(catalogue.OpenRPC("", ""))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, part := range []string{"src", "test"} {
		if err := os.CopyFS(filepath.Join(dir, part), os.DirFS(filepath.Join(typeScriptClient, part))); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"tsconfig.json", "package.json"} {
		text, err := os.ReadFile(filepath.Join(typeScriptClient, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "src", "methods.ts"), document.TypeScript(), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// node runs Node.js until it ends well.
func node(t *testing.T, args ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	if out, err := exec.CommandContext(ctx, "node", args...).CombinedOutput(); err != nil {
		t.Fatalf("node %v: %v\n%s", args, err, out)
	}
}
