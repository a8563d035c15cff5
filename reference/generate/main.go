// Command generate writes what is made from the schemas of the methods to standard output: `generate markdown` is
// docs/methods.md, `generate typescript` the part of the TypeScript client that knows the methods.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/hookswitch/hookswitch/reference"
	"github.com/hookswitch/hookswitch/schemas"
)

func main() {
	if err := generate(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "generate: "+err.Error())
		os.Exit(1)
	}
}

func generate(args []string, out io.Writer) error {
	catalogue, err := schemas.Load()
	if err != nil {
		return err
	}
	document, err := reference.Read(catalogue.OpenRPC("", ""))
	if err != nil {
		return err
	}
	if len(args) != 1 {
		return errors.New("say what: markdown or typescript")
	}
	switch args[0] {
	case "markdown":
		_, err = out.Write(document.Markdown())
	case "typescript":
		_, err = out.Write(document.TypeScript())
	default:
		err = fmt.Errorf("%q: must be markdown or typescript", args[0])
	}
	return err
}
