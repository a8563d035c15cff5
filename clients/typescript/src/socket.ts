import { TransportError } from './errors.js'
import type { Transport } from './transport.js'

/** As much of a WebSocket as is used; the platform's own, and that of the package ws, have it. */
export interface SocketLike {
  readonly readyState: number
  send(text: string): void
  close(code?: number): void
  addEventListener(type: 'open' | 'close' | 'error' | 'message', listener: (event: never) => void): void
}

export interface SocketOptions {
  /** The class to make the socket with; globalThis.WebSocket without it. Node.js has none before version 22: pass that of ws. */
  WebSocket?: new (url: string) => SocketLike
}

interface Waiting {
  ids: readonly number[]
  resolve: (answer: unknown) => void
  reject: (cause: unknown) => void
}

const OPEN = 1

/** Calls over one WebSocket, on which the server can send notifications too. A socket that has ended is not opened again. */
export class SocketTransport implements Transport {
  onNotification?: (method: string, params: unknown) => void
  onClose?: () => void
  readonly #socket: SocketLike
  readonly #opened: Promise<void>
  readonly #waiting = new Map<number, Waiting>() // by each id that it waits for

  constructor(url: string, options: SocketOptions = {}) {
    const Socket = options.WebSocket ?? (globalThis.WebSocket as unknown as SocketOptions['WebSocket'])
    if (Socket === undefined) throw new TransportError('this platform has no WebSocket: pass one in the options')
    this.#socket = new Socket(url)
    this.#opened = new Promise((resolve, reject) => {
      this.#socket.addEventListener('open', () => resolve())
      this.#socket.addEventListener('error', () => reject(new TransportError('the socket failed')))
      this.#socket.addEventListener('close', () => reject(new TransportError('the socket has ended')))
    })
    this.#opened.catch(() => {}) // whoever sends hears of it
    this.#socket.addEventListener('message', (event: { data: unknown }) => this.#receive(String(event.data)))
    this.#socket.addEventListener('close', () => this.#end())
  }

  async send(text: string, ids: readonly number[], signal?: AbortSignal): Promise<unknown> {
    signal?.throwIfAborted()
    await this.#opened
    if (this.#socket.readyState !== OPEN) throw new TransportError('the socket has ended')
    if (ids.length === 0) return void this.#socket.send(text)
    return new Promise((resolve, reject) => {
      const waiting = { ids, resolve, reject }
      for (const id of ids) this.#waiting.set(id, waiting)
      signal?.addEventListener('abort', () => {
        this.#forget(waiting)
        reject(signal.reason)
      }, { once: true })
      this.#socket.send(text)
    })
  }

  close(): void {
    this.#socket.close(1000)
  }

  #receive(text: string): void {
    const answer = JSON.parse(text)
    if (typeof answer.method === 'string') return this.onNotification?.(answer.method, answer.params)
    const ids = Array.isArray(answer) ? answer.map((a) => a.id) : [answer.id]
    const waiting = ids.map((id) => this.#waiting.get(id)).find((w) => w !== undefined)
    if (waiting === undefined) return // given up, or an error without an id: nobody can be told
    this.#forget(waiting)
    waiting.resolve(answer)
  }

  #forget(waiting: Waiting): void {
    for (const id of waiting.ids) this.#waiting.delete(id)
  }

  #end(): void {
    for (const waiting of new Set(this.#waiting.values())) waiting.reject(new TransportError('the socket has ended'))
    this.#waiting.clear()
    this.onClose?.()
  }
}
