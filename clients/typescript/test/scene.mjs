// What a user does, against a real server: register, publish, list, be refused, send a batch, verify deliveries; over
// HTTP and over a WebSocket. Called with the built client, the address of the server and an admin key.
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'

const [module, url, key] = process.argv.slice(2)
const { connect, connectSocket, events, verify, HookswitchError, TransportError, WebhookError } = await import(module)
const WebSocket = createRequire(new URL('../../npm/', import.meta.url))('ws')

const deliveries = []
const waiting = []
const receiver = createServer((request, response) => {
  const parts = []
  request.on('data', (part) => parts.push(part))
  request.on('end', () => {
    const delivery = { path: request.url, headers: request.headers, body: Buffer.concat(parts) }
    deliveries.push(delivery)
    for (const wake of waiting.splice(0)) wake()
    response.end()
  })
})
await new Promise((resolve) => receiver.listen(0, '127.0.0.1', resolve))
const endpoint = `http://127.0.0.1:${receiver.address().port}`

async function delivered(path) {
  for (;;) {
    const found = deliveries.find((d) => d.path === path)
    if (found) return found
    await new Promise((resolve) => waiting.push(resolve))
  }
}

async function scene(name, client) {
  assert.equal(await client.ping(), 'pong')
  const subscription = await client.createSubscription({ endpoint: `${endpoint}/${name}`, events: [`${name}.*`] })
  const signed = await client.createSubscription({ endpoint: `${endpoint}/${name}-key`, events: [`${name}.*`], signature: 'ed25519' })

  const published = await client.publishEvent({ type: `${name}.made`, id: `${name}-1`, data: { email: 'ann@example.com' } })
  assert.deepEqual(published, { id: `${name}-1`, matched: 2, duplicate: false })

  const { headers, body } = await delivered(`/${name}`)
  assert.equal(await verify(subscription.secret, headers, body), `${name}-1`)
  assert.equal(await verify(subscription.secret, new Headers(headers), body.toString()), `${name}-1`)
  assert.deepEqual(JSON.parse(body).data, { email: 'ann@example.com' })
  await assert.rejects(verify(subscription.secret, headers, body + ' '), WebhookError)
  await assert.rejects(verify(`whsec_${btoa('another secret of 24 bytes')}`, headers, body), WebhookError)
  await assert.rejects(verify(subscription.secret, headers, body, { now: Date.now() / 1000 + 301 }), /too old/)
  await assert.rejects(verify(subscription.secret, { ...headers, 'webhook-id': undefined }, body), /webhook-id is missing/)

  const other = await delivered(`/${name}-key`)
  assert.equal(await verify(signed.publicKey, other.headers, other.body), `${name}-1`)
  await assert.rejects(verify(signed.publicKey, other.headers, other.body + ' '), WebhookError)
  await assert.rejects(verify(signed.publicKey, headers, body), WebhookError)

  const { items } = await client.listEvents({ type: `${name}.made` })
  assert.deepEqual(items.map((e) => e.id), [`${name}-1`])

  const refusal = await client.createSubscription({ endpoint, events: [], name: 7 }).catch((e) => e)
  assert.ok(refusal instanceof HookswitchError)
  assert.equal(refusal.code, 310)
  assert.equal(refusal.kind, 'invalid_params')
  assert.deepEqual(refusal.faults.map((f) => f.pointer).sort(), ['/params/events', '/params/name'])
  assert.match(refusal.message, /\/params\/events/)

  const [pong, again, unknown] = await client.batch([['ping'], ['publishEvent', { type: `${name}.made`, id: `${name}-1` }], ['getEvent', { id: 'none' }]])
  assert.equal(pong.result, 'pong')
  assert.equal(again.result.duplicate, true)
  assert.equal(unknown.error.code, 353)
  assert.deepEqual(await client.batch([]), [])

  await client.notify('publishEvent', { type: `${name}.noted`, id: `${name}-2` })
  const stopped = AbortSignal.abort(new Error('given up'))
  await assert.rejects(client.ping({ signal: stopped }), /given up/)
  assert.equal(await client.request('ping'), 'pong')
  client.close()
  await assert.rejects(client.ping(), TransportError)
}

// live takes events as they come, leaves off and goes on where it was.
async function live(client) {
  const taken = []
  const publish = (n) => client.publishEvent({ type: 'live.made', id: `live-${n}` })
  const first = events(client, { events: ['live.*'], cursor: (await client.subscribeEvents()).cursor })
  const [one] = await Promise.all([first.next(), publish(1).then(() => publish(2))])
  taken.push(one.value, (await first.next()).value)
  await first.return()
  await publish(3)
  for await (const next of events(client, { events: ['live.*'], cursor: taken.at(-1).cursor })) {
    taken.push(next)
    if (taken.length === 4) break
    await publish(4)
  }
  assert.deepEqual(taken.map((t) => t.event.id), ['live-1', 'live-2', 'live-3', 'live-4'])

  const cut = events(client, { events: ['live.*'] })
  const waiting = cut.next()
  await client.ping() // the subscription before it has been made
  client.close()
  await assert.rejects(waiting, TransportError)
}

await scene('http', connect(`${url}/rpc`, { key }))
await scene('socket', await connectSocket(`${url.replace('http', 'ws')}/rpc`, { key, WebSocket }))
await live(await connectSocket(`${url.replace('http', 'ws')}/rpc`, { key, WebSocket }))

const refused = await connect(`${url}/rpc`, { key: 'wrong' }).listEvents().catch((e) => e)
assert.equal(refused.code, 300)
await assert.rejects(connectSocket(`${url.replace('http', 'ws')}/rpc`, { key: 'wrong', WebSocket }), HookswitchError)
assert.equal((await connect(`${url}/nowhere`).ping().catch((e) => e)).status, 404)
await assert.rejects(connect('http://127.0.0.1:1/rpc').ping(), TransportError)
await assert.rejects(connect(`${url}/rpc`, { key, timeout: 1, fetch: (_, { signal }) => new Promise((_, reject) => {
  signal.addEventListener('abort', () => reject(signal.reason))
}) }).ping(), /within 1 ms/)

receiver.close()
process.exit(0)
