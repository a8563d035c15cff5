/** A fault of one parameter. */
export interface Fault {
  /** Which parameter, by JSON pointer: "/params/url". */
  pointer: string
  message: string
}

/** The error object of a JSON-RPC answer. */
export interface ErrorObject {
  code: number
  message: string
  data?: unknown
}

/** The server refused a call. What it asked for has not been done. */
export class HookswitchError extends Error {
  override readonly name = 'HookswitchError'
  /** The code of the refusal, such as 310 (parameters), 300 (key), 351 (duplicate), 362 (no room on the server's disk) or 399 (too many requests). */
  readonly code: number
  /** The kind of the refusal in words, such as "invalid_params"; absent for faults of the protocol. */
  readonly kind: string | undefined
  /** Every parameter that is wrong. */
  readonly faults: readonly Fault[]

  constructor(
    /** The method that was called. */
    readonly method: string,
    /** The error as the server sent it. */
    readonly error: ErrorObject,
  ) {
    const data = (typeof error.data === 'object' && error.data !== null ? error.data : {}) as {
      kind?: string
      message?: string
      faults?: Fault[]
    }
    const faults = data.faults ?? []
    const detail = faults.map((f) => `${f.pointer} ${f.message}`).join(', ') || data.message
    super(`${method}: ${error.message} (${error.code})${detail && detail !== error.message ? `: ${detail}` : ''}`)
    this.code = error.code
    this.kind = data.kind
    this.faults = faults
  }
}

/** There was no proper answer; whether the call was run is unknown. A publish with an id can be sent again safely. */
export class TransportError extends Error {
  override readonly name = 'TransportError'
  /** The HTTP status, where there was one. */
  readonly status: number | undefined

  constructor(message: string, options: { cause?: unknown; status?: number } = {}) {
    super(message, { cause: options.cause })
    this.status = options.status
  }
}
