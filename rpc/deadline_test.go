package rpc

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// started is a deadline a second ahead.
func started(parent context.Context) *deadline {
	d := &deadline{}
	d.start(parent, time.Second)
	return d
}

func TestDeadlineEndsByTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		asked, unasked := started(t.Context()), started(t.Context())
		child, cancel := context.WithCancel(asked)
		defer cancel()
		if at, ok := unasked.Deadline(); !ok || time.Until(at) != time.Second {
			t.Errorf("deadline %v %v", at, ok)
		}
		if asked.Err() != nil || unasked.Err() != nil {
			t.Error("ended at once")
		}
		<-child.Done()
		for _, ctx := range []context.Context{asked, unasked, child} {
			if !errors.Is(ctx.Err(), context.DeadlineExceeded) || !errors.Is(context.Cause(ctx), context.DeadlineExceeded) {
				t.Errorf("error %v, cause %v", ctx.Err(), context.Cause(ctx))
			}
		}
		<-unasked.Done()
	})
}

func TestDeadlineEndsWithItsParentOrWhenFinished(t *testing.T) {
	t.Parallel()
	parent, cancel := context.WithTimeout(context.WithValue(t.Context(), key{}, "value"), time.Millisecond)
	defer cancel()
	earlier := started(parent)
	if at, _ := earlier.Deadline(); time.Until(at) > time.Millisecond {
		t.Error("the parent's earlier deadline is not seen")
	}
	if earlier.Value(key{}) != "value" {
		t.Error("the parent's values are not seen")
	}
	<-earlier.Done()
	if earlier.Value(key{}) != "value" {
		t.Error("the parent's values are not seen after Done")
	}

	finished, asked := started(t.Context()), started(t.Context())
	done := asked.Done()
	finished.finish()
	asked.finish()
	<-done
	<-finished.Done()
	if !errors.Is(finished.Err(), context.Canceled) || !errors.Is(asked.Err(), context.Canceled) {
		t.Errorf("errors %v and %v", finished.Err(), asked.Err())
	}
}

// key is the key of a value in a context.
type key struct{}
