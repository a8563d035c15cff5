import { FetchTransport, type FetchOptions } from './fetch.js'
import { Hookswitch } from './methods.js'
import { SocketTransport, type SocketOptions } from './socket.js'

export * from './client.js'
export * from './errors.js'
export * from './events.js'
export * from './fetch.js'
export * from './methods.js'
export * from './socket.js'
export * from './transport.js'
export * from './webhook.js'

/** A client over HTTP. url is the server's RPC address, such as "https://hooks.example.com/rpc". */
export function connect(url: string, options: FetchOptions = {}): Hookswitch {
  return new Hookswitch(new FetchTransport(url, options))
}

/** A client over a WebSocket, which can have notifications. url is such as "wss://hooks.example.com/rpc". Resolves once the key is taken. */
export async function connectSocket(url: string, options: SocketOptions & { key: string }): Promise<Hookswitch> {
  const client = new Hookswitch(new SocketTransport(url, options))
  try {
    await client.authenticate({ key: options.key }) // a browser cannot send a header with the upgrade
    return client
  } catch (cause) {
    client.close()
    throw cause
  }
}
