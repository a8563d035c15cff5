/** What carries texts to the server and its answers back. */
export interface Transport {
  /** Sends a text; resolves with the answer to it, or with undefined when `ids` is empty: nothing is to be answered. */
  send(text: string, ids: readonly number[], signal?: AbortSignal): Promise<unknown>
  /** Sets what is called with each notification of the server's; only a socket has any. */
  onNotification?: (method: string, params: unknown) => void
  /** Sets what is called once the connection has ended. */
  onClose?: () => void
  close(): void
}
