package delivery

import (
	"context"
	"errors"
	"net/url"
	"time"

	"github.com/hookswitch/hookswitch/schemas"
	"github.com/hookswitch/hookswitch/storage"
)

// work is a worker: it carries exchanges out until the dispatcher has none and enough workers wait for more, or one was so
// slow that another worker has its place.
func (e *Engine) work() {
	for {
		x := e.dispatcher.take()
		if x == nil {
			if e.dispatcher.linger() {
				continue
			}
			return
		}
		if x.load {
			if x = e.load(x); x == nil {
				continue
			}
		}
		e.carry(x)
		if x.slow {
			return
		}
	}
}

// Waits before deliveries are looked at again whose webhook cannot be delivered to just now.
const (
	readAgain    = 5 * time.Second        // its record could not be read
	noDialect    = time.Hour              // this server does not speak its dialect
	unprepared   = 200 * time.Millisecond // its dialect is a Preparer that is not ready
	parkFor      = time.Hour              // it is not active; being made active lifts it
	freshRecords = 3                      // reads of a record before a newer one is waited for
)

// load reads a webhook's record for its lane. It returns the lane's first exchange, if that may begin.
func (e *Engine) load(x *exchange) *exchange {
	l := x.lane.key
	for range freshRecords {
		w, err := e.webhook(l)
		switch {
		case errors.Is(err, storage.ErrAbsent):
			e.discard(e.dispatcher.shut(x))
			e.index.remove(l)
			e.task(func() { e.drop(l) })
			return nil
		case err != nil:
			e.log.Warn().Int64("account", int64(l.Account)).Str("webhook", e.index.title(l)).Err(err).
				Msg("a webhook's record cannot be read; its deliveries wait")
			e.putOff(x, readAgain)
			return nil
		case w.State != schemas.StateActive:
			e.park(x, w)
			return nil
		case Pulled(w.Endpoint):
			e.withdraw(x, w)
			return nil
		}
		if w.Ordered && !e.index.ordered(l) {
			e.Apply(w) // claims must know, before what is not in order is given back
		}
		x.hook, x.format = w, e.o.Formats[w.Dialect]
		if x.format == nil {
			e.log.Error().Int64("account", int64(l.Account)).Str("webhook", e.index.title(l)).Str("dialect", w.Dialect).
				Msg("a webhook's dialect is not known; its deliveries wait")
			e.putOff(x, noDialect)
			return nil
		}
		if p, ok := x.format.(Preparer); ok && !p.Ready() {
			e.putOff(x, unprepared)
			return nil
		}
		x.policy = e.policy(w.Dialect)
		if x.endpoint, err = url.Parse(w.Endpoint); err != nil {
			x.endpoint = nil
		}
		if next, opened := e.dispatcher.open(x); opened {
			return next
		}
	}
	e.putOff(x, readAgain)
	return nil
}

func (e *Engine) webhook(l storage.Lane) (*schemas.Webhook, error) {
	record, err := e.store.Get(e.effort, storage.KindWebhook, l.Account, int64(l.Webhook))
	if err != nil {
		return nil, err
	}
	return e.decode(record)
}

func (e *Engine) decode(r storage.Record) (*schemas.Webhook, error) {
	return e.o.Keys.DecodeWebhook(r.Body, r.Account, schemas.WebhookID(r.ID), r.Revision)
}

// putOff gives a lane's deliveries back for a while.
func (e *Engine) putOff(x *exchange, wait time.Duration) {
	e.giveBack(e.dispatcher.shut(x), wait)
	e.dispatcher.resume(x.lane.key)
}

// park leaves the deliveries of a webhook that is not active to the store. The index must know first that it is not:
// that is what makes its activation lift the lane, and should that have happened meanwhile, it is lifted here.
func (e *Engine) park(x *exchange, w *schemas.Webhook) {
	l := x.lane.key
	e.index.put(w, 0)
	queue := e.dispatcher.shut(x)
	if err := e.store.Postpone(e.effort, l, parkFor); err != nil {
		e.log.Debug().Err(err).Msg("a lane could not be postponed") // it is passed over all the same
	}
	e.giveBack(queue, 0)
	if e.index.activeSince(l, w.Revision) {
		e.task(func() { e.lift(l) })
	}
	e.dispatcher.resume(l)
}

// withdraw leaves the deliveries of a webhook that is pulled to those who take them.
func (e *Engine) withdraw(x *exchange, w *schemas.Webhook) {
	e.index.put(w, 0)
	e.giveBack(e.dispatcher.shut(x), 0)
	e.lift(x.lane.key)
	e.dispatcher.resume(x.lane.key)
}

// carry makes one exchange and hands in what became of its deliveries.
func (e *Engine) carry(x *exchange) {
	job := Job{Webhook: x.hook, Now: time.Now()}
	var lost []*outcome
	x.items, lost = e.unpack(x, &job)
	e.settler.add(lost...)
	if len(x.items) == 0 {
		x.unsent = true
		e.giveBack(e.dispatcher.finish(x, false), 0)
		return
	}
	e.embark(x)
	got := e.exchange(e.effort, x, job)
	if got.answer.Status == 0 && e.effort.Err() != nil { // broken off by Close: no attempt of the receiver's making
		x.unsent = true
		x.arrive(Facts{Error: "broken_off"})
		e.giveBack(e.dispatcher.finish(x, false), 0)
		e.giveBack(x.items, 0)
		return
	}
	verdict := e.judge(x, got.answer)
	e.report(x, &got, verdict)
}

// unpack decodes the events of claimed deliveries. One that cannot be read is given up.
func (e *Engine) unpack(x *exchange, job *Job) (items []*item, lost []*outcome) {
	for _, it := range x.items {
		if it.event == nil {
			event, err := schemas.DecodeEvent(it.raw)
			if err != nil {
				attempt := schemas.Attempt{
					Number: it.held.Attempts + 1, Started: job.Now.UTC(), Error: schemas.ErrorFormat,
					Message: "the stored event cannot be read",
				}
				lost = append(lost, &outcome{item: it, Outcome: storage.Outcome{Held: it.held, Next: storage.Dead, Attempt: &attempt}})
				continue
			}
			event.Account, event.Seq = it.held.Account, it.held.Seq
			it.event, it.raw = event, nil
		}
		items = append(items, it)
		job.Due = append(job.Due, Due{Event: it.event, Attempt: it.held.Attempts + 1})
	}
	return items, lost
}

// exchange builds the request and sends it.
func (e *Engine) exchange(ctx context.Context, x *exchange, job Job) exchanged {
	request, err := build(x.format, job)
	if err == nil && x.endpoint == nil {
		err = errors.New("the endpoint is not a URL")
	}
	if err != nil {
		got := exchanged{started: job.Now}
		got.fail(&failure{schemas.ErrorFormat, maskText(secretsOf(x.hook, ""), err.Error())})
		return got
	}
	timeout := x.hook.Timeout
	if timeout <= 0 {
		timeout = e.o.Timeout
	}
	request.Header = x.withTrace(request.Header)
	got := e.deliver(ctx, x.hook, x.endpoint, request, timeout)
	got.started = job.Now // so that the same request can be built again
	if got.sent != nil {
		got.size, got.sum = len(request.Body), sumOf(request.Body)
	}
	return got
}

// build calls the dialect; a panic there costs one delivery, not the server.
func build(f Format, job Job) (request Request, err error) {
	defer func() {
		if recover() != nil {
			err = errors.New("the dialect failed to build the request")
		}
	}()
	return f.Build(job)
}

// judge asks the dialect for its verdict, with the same care.
func (e *Engine) judge(x *exchange, answer Answer) (verdict Verdict) {
	defer func() {
		if recover() != nil {
			e.log.Error().Str("dialect", x.hook.Dialect).Int("status", answer.Status).Msg("a dialect failed to judge an answer")
			verdict = Verdict{}
		}
	}()
	if answer.Error == schemas.ErrorFormat {
		return Verdict{}
	}
	return x.format.Judge(answer)
}

// report ends an exchange: the lane learns from it, and its outcomes go to the store.
func (e *Engine) report(x *exchange, got *exchanged, verdict Verdict) {
	attempt := record(x.hook, got, verdict)
	unsent := got.answer.Error == schemas.ErrorFormat
	random := e.o.Jitter() // one for all, so that what failed together comes back together
	list := make([]*outcome, 0, len(x.items))
	dead := false
	batch := batchOf(x.items)
	for i, it := range x.items {
		a := attempt
		a.Number = it.held.Attempts + 1
		if a.Batch = batch; i > 0 {
			a.Batch = batch[:1]
		}
		out := storage.Outcome{Held: it.held, Next: storage.Done, Attempt: &a}
		if !verdict.OK {
			wait, more := NextWait(x.policy, x.hook.Retry, a.Number, verdict, random)
			if out.Next, out.In = storage.Retry, wait; !more || unsent {
				out.Next, out.In = storage.Dead, 0
				dead = true
			}
		}
		list = append(list, &outcome{Outcome: out, item: it, cause: x, gone: verdict.Gone})
	}
	x.ok, x.status, x.fault, x.duration, x.unsent = verdict.OK, got.answer.Status, got.answer.Error, got.duration, unsent
	halt := verdict.Gone || dead && !unsent && x.policy.OnDead != EffectNone
	e.giveBack(e.dispatcher.finish(x, halt), 0)
	first := *list[0].Attempt
	e.settler.add(list...)
	e.logBreaker(x)
	e.tell(x, first, list)
}
