/** A delivery that is not to be believed. */
export class WebhookError extends Error {
  override readonly name = 'WebhookError'
}

/** What carries the headers of a request: Headers, or an object such as Node's request.headers. */
export type HeadersLike = { get(name: string): string | null } | Record<string, string | string[] | undefined>

export interface VerifyOptions {
  /** Seconds that the delivery's clock may differ from ours; 300 without it. */
  tolerance?: number
  /** The time, in seconds since 1970; now without it. */
  now?: number
}

/**
 * Verifies a delivery by Standard Webhooks and returns its webhook-id, the same at each repeat. The body has to be the
 * bytes as they came, before any JSON is parsed. secret is the subscription's "whsec_…", or its publicKey, "whpk_…", when
 * it signs with ed25519; while a secret is rotated, deliveries have a signature by each, so that either will do. Throws
 * WebhookError.
 */
export async function verify(secret: string, headers: HeadersLike, body: string | Uint8Array, options: VerifyOptions = {}): Promise<string> {
  const id = header(headers, 'webhook-id')
  const timestamp = header(headers, 'webhook-timestamp')
  const signatures = header(headers, 'webhook-signature')
  const now = options.now ?? Date.now() / 1000
  if (!/^\d+$/.test(timestamp) || !(Math.abs(now - Number(timestamp)) <= (options.tolerance ?? 300))) {
    throw new WebhookError('the delivery is too old, or the clocks differ')
  }
  const scheme = secret.startsWith('whpk_') ? ed25519 : hmac
  const key = await crypto.subtle.importKey('raw', decode(secret.replace(/^wh(sec|pk)_/, '')), scheme.key, false, ['verify'])
  const signed = join(`${id}.${timestamp}.`, body)
  for (const one of signatures.split(' ')) {
    const [version, signature = ''] = one.split(',')
    if (version === scheme.version && await crypto.subtle.verify(scheme.key.name, key, decode(signature), signed)) return id // in constant time
  }
  throw new WebhookError('no signature of the delivery is by this secret')
}

const hmac = { version: 'v1', key: { name: 'HMAC', hash: 'SHA-256' } }
const ed25519 = { version: 'v1a', key: { name: 'Ed25519' } }

function header(headers: HeadersLike, name: string): string {
  const value = typeof headers.get === 'function' ? headers.get(name) : (headers as Record<string, string | string[] | undefined>)[name]
  if (typeof value !== 'string' || value === '') throw new WebhookError(`the header ${name} is missing`)
  return value
}

function join(text: string, body: string | Uint8Array): Uint8Array<ArrayBuffer> {
  const encoder = new TextEncoder()
  const parts = [encoder.encode(text), typeof body === 'string' ? encoder.encode(body) : body] as const
  const all = new Uint8Array(parts[0].length + parts[1].length)
  all.set(parts[0])
  all.set(parts[1], parts[0].length)
  return all
}

function decode(base64: string): Uint8Array<ArrayBuffer> {
  try {
    return Uint8Array.from(atob(base64), (c) => c.charCodeAt(0))
  } catch {
    throw new WebhookError('the secret or a signature is not base64')
  }
}
