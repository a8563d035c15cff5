import { type ErrorObject, HookswitchError, TransportError } from './errors.js'
import type { Methods } from './methods.js'
import type { Transport } from './transport.js'

export interface CallOptions {
  /** Gives the call up; the server may run it all the same. */
  signal?: AbortSignal
}

export type Method = keyof Methods

/** A call of a batch: a method and its parameters. */
export type BatchCall = { [M in Method]: [method: M, params?: Methods[M]['params']] }[Method]

/** What became of a call of a batch. */
export type Outcome<Result> = { result: Result; error?: undefined } | { result?: undefined; error: HookswitchError | TransportError }

type Outcomes<Calls extends readonly BatchCall[]> = { [I in keyof Calls]: Outcome<Methods[Calls[I][0]]['result']> }

interface Answer {
  id?: number | null
  result?: unknown
  error?: ErrorObject
}

/** Calls by the name of the method. Hookswitch, which extends it, has a function for each. */
export class Client {
  /** Resolves once the connection has ended. */
  readonly closed: Promise<void>
  #last = 0
  readonly #transport: Transport
  readonly #listeners = new Map<string, Set<(params: unknown) => void>>()

  constructor(transport: Transport) {
    this.#transport = transport
    this.closed = new Promise((resolve) => { transport.onClose = resolve })
    transport.onNotification = (method, params) => {
      for (const listener of this.#listeners.get(method) ?? []) listener(params)
    }
  }

  /** Calls a method. Throws HookswitchError when it is refused, TransportError when nothing is known of it. */
  async call<M extends Method>(method: M, params?: Methods[M]['params'], options?: CallOptions): Promise<Methods[M]['result']> {
    return this.request(method, params, options) as Promise<Methods[M]['result']>
  }

  /** Calls a method that these types do not know, of a later server perhaps. */
  async request(method: string, params?: object, options: CallOptions = {}): Promise<unknown> {
    const id = ++this.#last
    const answer = await this.#transport.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }), [id], options.signal)
    const outcome = read(method, answer as Answer)
    if (outcome.error) throw outcome.error
    return outcome.result
  }

  /** Calls a method without waiting for an answer. */
  async notify<M extends Method>(method: M, params?: Methods[M]['params']): Promise<void> {
    await this.#transport.send(JSON.stringify({ jsonrpc: '2.0', method, params }), [])
  }

  /** Sends calls together; the server runs them in order. One that is refused does not stop the others. */
  async batch<const Calls extends readonly BatchCall[]>(calls: Calls, options: CallOptions = {}): Promise<Outcomes<Calls>> {
    if (calls.length === 0) return [] as unknown as Outcomes<Calls>
    const first = this.#last + 1
    this.#last += calls.length
    const requests = calls.map(([method, params], i) => ({ jsonrpc: '2.0', id: first + i, method, params }))
    const answer = await this.#transport.send(JSON.stringify(requests), requests.map((r) => r.id), options.signal)
    if (!Array.isArray(answer)) { // the batch as a whole was refused
      const outcome = read('batch', answer as Answer)
      throw outcome.error ?? new TransportError('the answer to a batch is none')
    }
    const byId = new Map((answer as Answer[]).map((a) => [a.id, a]))
    return requests.map((r) => read(r.method, byId.get(r.id))) as unknown as Outcomes<Calls>
  }

  /** Has a function called with the parameters of each notification of that name; the function returned ends this. */
  on(notification: string, listener: (params: unknown) => void): () => void {
    const listeners = this.#listeners.get(notification) ?? new Set()
    this.#listeners.set(notification, listeners.add(listener))
    return () => void listeners.delete(listener)
  }

  /** Ends the connection; calls that wait for an answer throw TransportError. */
  close(): void {
    this.#transport.close()
  }
}

function read(method: string, answer: Answer | undefined): Outcome<unknown> {
  if (answer?.error) return { error: new HookswitchError(method, answer.error) }
  if (typeof answer !== 'object' || answer === null || !('result' in answer)) {
    return { error: new TransportError(`${method}: the server did not answer`) }
  }
  return { result: answer.result }
}
