package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
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

// makeEncryptionKey makes a key for --encryption-key-file. It needs no service.
func makeEncryptionKey(_ context.Context, c *cli.Command) error {
	if err := noArguments(c); err != nil {
		return err
	}
	made := service.NewEncryptionKey()
	file := c.String("out")
	if file == "" {
		return answer(c, map[string]string{"key": made}, "%s", made)
	}
	if err := writeSecret(file, made+"\n"); err != nil {
		return err
	}
	return answer(c, map[string]string{"file": file}, "%s: a new key, which no backup of the store holds; keep a copy elsewhere", file)
}

// writeSecret makes a file that its owner alone can read. One that is there stays: it may hold the key of a store.
func writeSecret(path, text string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("--out: %s is there already and stays as it is; choose another name", path)
	}
	if err != nil {
		return fmt.Errorf("--out: %w", err)
	}
	_, err = f.WriteString(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return errors.Join(fmt.Errorf("--out: %w", err), os.Remove(path))
	}
	return nil
}
