package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// interrupted is why a context ended: a signal, Ctrl-C (SIGINT) or SIGTERM, came.
type interrupted struct{ signal syscall.Signal }

func (interrupted) Error() string { return "interrupted" }

// untilSignal is a context that ends with the first such signal. The second one ends the process at once.
func untilSignal(parent context.Context) context.Context {
	ctx, cancel := context.WithCancelCause(parent)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	go func() { // ends with the first signal, or with the process
		came, _ := (<-signals).(syscall.Signal)
		signal.Stop(signals)
		cancel(interrupted{came})
	}()
	return ctx
}
