package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/urfave/cli/v3"

	"github.com/hookswitch/hookswitch/service"
)

// encryptionKeys reads the keys of the store's secrets from a file or the variable; nil without either.
func encryptionKeys(file string) (*service.EncryptionKeys, error) {
	text, source := os.Getenv(encryptionKeyVariable), encryptionKeyVariable
	switch {
	case file == "" && text == "":
		return nil, nil
	case file != "" && text != "":
		return nil, usageError{errors.New("--encryption-key-file and " + encryptionKeyVariable + " are both set; give the keys once")}
	case file != "":
		b, err := os.ReadFile(file)
		if err != nil {
			return nil, usageError{fmt.Errorf("--encryption-key-file: %w", err)}
		}
		text, source = string(b), file
	}
	keys, err := service.ParseEncryptionKeys(text)
	if err != nil {
		return nil, usageError{fmt.Errorf("%s: %w", source, err)}
	}
	return keys, nil
}

// printEncryptionKey makes a key for --encryption-key-file. It needs no service.
func printEncryptionKey(_ context.Context, c *cli.Command) error {
	if err := noArguments(c); err != nil {
		return err
	}
	made := service.NewEncryptionKey()
	return answer(c, map[string]string{"key": made}, "%s", made)
}
