package rpc

import (
	"context"
	"sync"
)

// statusPolicy is the WebSocket close status of a peer that does not keep up (RFC 6455 section 7.4.1).
const statusPolicy = 1008

// outbox is what waits to be written to one peer. There is never more than one writer, but no goroutine of its own
// for it: whoever puts something in while nobody writes becomes the writer until the outbox is empty.
type outbox struct {
	frames  Frames
	buffers *bufferPool
	slots   chan struct{}               // one taken per text being answered, freed once its answer is written
	limits  *Limits                     // PushFrames and PushBytes
	fail    func(code int, text string) // ends the connection; never blocks

	mu        sync.Mutex
	queue     []frame
	spare     []frame // the former queue, to be filled again
	pushes    int     // of them in queue or being written
	pushBytes int
	writing   bool
	closed    bool
	room      chan struct{} // closed when there is room again; nil if nobody waits
}

// frame is one text to be written.
type frame struct {
	*buffer
	push bool
}

// answer queues the answer of a text that holds a slot. The caller has to call drain.
func (o *outbox) answer(b *buffer) {
	o.mu.Lock()
	if !o.closed {
		o.queue = append(o.queue, frame{buffer: b})
		o.mu.Unlock()
		return
	}
	o.mu.Unlock()
	o.release(frame{buffer: b})
}

// push queues a push and sees to it that it is written, but not by the caller.
func (o *outbox) push(b *buffer) error {
	o.mu.Lock()
	if o.closed {
		o.mu.Unlock()
		o.buffers.put(b)
		return ErrClosed
	}
	o.pushes++
	o.pushBytes += len(b.b)
	if !o.fits(o.pushes, o.pushBytes) {
		o.mu.Unlock()
		o.overflow()
		return ErrClosed
	}
	o.queue = append(o.queue, frame{b, true})
	start := !o.writing
	o.writing = true
	o.mu.Unlock()
	if start {
		go o.write()
	}
	return nil
}

func (o *outbox) fits(frames, bytes int) bool {
	return frames <= o.limits.PushFrames && bytes <= o.limits.PushBytes
}

// overflow ends the connection of a peer that does not keep up.
func (o *outbox) overflow() { o.fail(statusPolicy, "notifications are not read fast enough") }

// drain writes what is queued unless somebody does already.
func (o *outbox) drain() {
	o.mu.Lock()
	if o.writing || len(o.queue) == 0 {
		o.mu.Unlock()
		return
	}
	o.writing = true
	o.mu.Unlock()
	o.write()
}

// write is the writer: it returns when there is nothing left.
func (o *outbox) write() {
	for {
		o.mu.Lock()
		batch := o.queue
		if len(batch) == 0 || o.closed {
			o.writing = false
			o.mu.Unlock()
			return
		}
		o.queue, o.spare = o.spare[:0], nil
		o.mu.Unlock()

		o.writeAll(batch)
		clear(batch)

		o.mu.Lock()
		o.spare = batch
		o.mu.Unlock()
	}
}

func (o *outbox) writeAll(batch []frame) {
	failed := false
	for _, f := range batch {
		if !failed && !o.isClosed() {
			if err := o.frames.WriteFrame(f.b); err != nil {
				failed = true
				o.fail(statusPolicy, "frames are not taken")
			}
		}
		if f.push {
			o.written(len(f.b))
		}
		o.release(f)
	}
}

func (o *outbox) isClosed() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.closed
}

// written takes a push off the account and wakes those who wait for room.
func (o *outbox) written(size int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.pushes--
	o.pushBytes -= size
	if o.room != nil && o.hasRoom() {
		close(o.room)
		o.room = nil
	}
}

func (o *outbox) hasRoom() bool { return o.fits(2*o.pushes, 2*o.pushBytes) }

// release gives back what a frame held.
func (o *outbox) release(f frame) {
	if !f.push {
		<-o.slots
	}
	o.buffers.put(f.buffer)
}

func (o *outbox) waitRoom(ctx context.Context) error {
	for {
		o.mu.Lock()
		if o.closed {
			o.mu.Unlock()
			return ErrClosed
		}
		if o.hasRoom() {
			o.mu.Unlock()
			return nil
		}
		if o.room == nil {
			o.room = make(chan struct{})
		}
		room := o.room
		o.mu.Unlock()
		select {
		case <-room:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// close drops what is queued and takes nothing more. A frame being written is written or fails by itself.
func (o *outbox) close() {
	o.mu.Lock()
	dropped := o.queue
	o.queue, o.closed = nil, true
	if o.room != nil {
		close(o.room)
		o.room = nil
	}
	o.mu.Unlock()
	for _, f := range dropped {
		o.release(f)
	}
}
