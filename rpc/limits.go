package rpc

import "time"

// Limits bounds what one caller can cost. A zero field means the default that its comment names.
type Limits struct {
	Text      int // bytes of one text, an HTTP body or a frame: 4 MiB
	Depth     int // levels of arrays and objects in one request, the request itself counted: 1000
	Batch     int // requests in a batch: 1000
	Method    int // bytes of a method name: 256
	ID        int // bytes of an id as written: 256
	Answer    int // bytes of the answer to one text: 16 MiB
	ErrorData int // bytes of the data member of an error, which is left out beyond: 4 KiB

	// CallTimeout is how long the handlers of one text, a batch too, may take together: 30 s. Keep it below the
	// WriteTimeout of the HTTP server. It ends the context of the handlers; a handler has to obey it.
	CallTimeout time.Duration

	Running          int // texts being answered at a time in the whole server: 4096
	RunningPerSocket int // texts being answered at a time on one socket, then it is read no further: 64
	Sockets          int // WebSocket connections: 1024

	// What may wait to be pushed to one socket: 256 notifications of together 4 MiB. A socket that exceeds either is
	// closed with status 1008. Whoever paces its pushes by WaitRoom may send some of up to half of that, one at a time.
	PushFrames int
	PushBytes  int

	WriteTimeout time.Duration // for one frame to be taken by the peer: 10 s
	PingEvery    time.Duration // between pings on a WebSocket: 30 s
	PongWait     time.Duration // silence after which a WebSocket peer is taken for dead: 60 s
}

// withDefaults fills in what is zero.
func (l Limits) withDefaults() Limits {
	fill := func(field *int, value int) {
		if *field <= 0 {
			*field = value
		}
	}
	fill(&l.Text, 4<<20)
	fill(&l.Depth, 1000)
	fill(&l.Batch, 1000)
	fill(&l.Method, 256)
	fill(&l.ID, 256)
	fill(&l.Answer, 16<<20)
	fill(&l.ErrorData, 4<<10)
	fill(&l.Running, 4096)
	fill(&l.RunningPerSocket, 64)
	fill(&l.Sockets, 1024)
	fill(&l.PushFrames, 256)
	fill(&l.PushBytes, 4<<20)

	fillTime := func(field *time.Duration, value time.Duration) {
		if *field <= 0 {
			*field = value
		}
	}
	fillTime(&l.CallTimeout, 30*time.Second)
	fillTime(&l.WriteTimeout, 10*time.Second)
	fillTime(&l.PingEvery, 30*time.Second)
	fillTime(&l.PongWait, 60*time.Second)
	return l
}
