import { TransportError } from './errors.js'
import type { Event, Hookswitch, SubscribeEventsParams } from './methods.js'

/** An event that was pushed. */
export interface LiveEvent {
  subscription: string
  /** Where a later subscription goes on: `events(client, { cursor })` begins with what came after this. */
  cursor: string
  event: Event
}

/**
 * Events as the server accepts them, over a client of connectSocket, in their order. To go on after a break, pass the cursor
 * of the last one to the next client. Events that have come are kept until they are taken. Leaving the loop ends the
 * subscription; it throws TransportError when the connection or the server ends it.
 */
export async function* events(client: Hookswitch, params: SubscribeEventsParams = {}): AsyncGenerator<LiveEvent, void, void> {
  const come: LiveEvent[] = []
  let end: TransportError | undefined
  let wake = () => {}
  const close = (reason: string) => {
    end ??= new TransportError(reason)
    wake()
  }
  const forget = [
    client.on('event', (live) => { // another subscription's are dropped below: ours has no name before the answer
      come.push(live as LiveEvent)
      wake()
    }),
    client.on('eventsEnd', (last) => {
      const { subscription: ended, reason } = last as { subscription: string; reason: string }
      if (ended === subscription) close(`the server ended the subscription: ${reason}`)
    }),
  ]
  void client.closed.then(() => close('the connection has ended'))
  let subscription: string | undefined
  try {
    subscription = (await client.subscribeEvents(params)).subscription
    for (;;) {
      for (let next = come.shift(); next; next = come.shift()) {
        if (next.subscription === subscription) yield next
      }
      if (end) throw end
      await new Promise<void>((resolve) => { wake = resolve })
    }
  } finally {
    for (const remove of forget) remove()
    if (subscription !== undefined && !end) await client.unsubscribeEvents({ subscription }).catch(() => {}) // it may have ended
  }
}
