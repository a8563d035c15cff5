import { TransportError } from './errors.js'
import type { Transport } from './transport.js'

export interface FetchOptions {
  /** An API key. */
  key?: string
  /** Headers to add to each request, such as Hookswitch-Account. */
  headers?: Record<string, string>
  /** Milliseconds that a call may take; 60,000 without it. */
  timeout?: number
  /** What makes the requests; the platform's own without it. */
  fetch?: typeof globalThis.fetch
}

/** Calls over HTTP: one request for each. */
export class FetchTransport implements Transport {
  onClose?: () => void
  readonly #url: string
  readonly #headers: Record<string, string>
  readonly #timeout: number
  readonly #fetch: typeof globalThis.fetch
  readonly #closed = new AbortController()

  constructor(url: string, options: FetchOptions = {}) {
    this.#url = url
    this.#headers = { 'Content-Type': 'application/json', ...options.headers }
    if (options.key !== undefined) this.#headers.Authorization = `Bearer ${options.key}`
    this.#timeout = options.timeout ?? 60_000
    this.#fetch = options.fetch ?? globalThis.fetch.bind(globalThis)
  }

  async send(text: string, ids: readonly number[], signal?: AbortSignal): Promise<unknown> {
    const patience = new AbortController()
    const end = (from: AbortSignal) => () => patience.abort(from.reason)
    const timer = setTimeout(() => patience.abort(new TransportError(`no answer within ${this.#timeout} ms`)), this.#timeout)
    const listeners = [signal, this.#closed.signal].filter((s) => s !== undefined).map((s) => {
      const listener = end(s)
      if (s.aborted) listener()
      s.addEventListener('abort', listener)
      return () => s.removeEventListener('abort', listener)
    })
    try {
      const response = await this.#fetch(this.#url, { method: 'POST', headers: this.#headers, body: text, signal: patience.signal })
      if (ids.length === 0 && response.ok) return undefined
      if (response.status !== 200) {
        throw new TransportError(`the server answered with HTTP status ${response.status}`, { status: response.status })
      }
      return await response.json()
    } catch (cause) {
      if (signal?.aborted) throw signal.reason
      if (cause instanceof TransportError) throw cause
      throw new TransportError('the call was not answered', { cause })
    } finally {
      clearTimeout(timer)
      for (const remove of listeners) remove()
    }
  }

  close(): void {
    this.#closed.abort(new TransportError('the client is closed'))
    this.onClose?.()
  }
}
