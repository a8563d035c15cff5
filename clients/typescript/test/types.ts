// What the types must take and refuse; compiled, never run.
import { connect, events, Hookswitch, type Subscription } from '../src/index.js'

const client: Hookswitch = connect('http://localhost:8080/rpc', { key: 'k' })

export async function types() {
  const subscription: Subscription = await client.createSubscription({ endpoint: 'https://example.com', events: ['a.*'] })
  const vendor = await client.createSubscription({ endpoint: 'https://example.com', filter_config: { event_type: 'profile.updated' } })
  vendor.webhook_id.toUpperCase()
  subscription.state satisfies 'active' | 'stopped' | 'failing'
  const [event, pong] = await client.batch([['getEvent', { id: 'a' }], ['ping']])
  event.result?.matched.toFixed()
  pong.result satisfies 'pong' | undefined
  for await (const { event, cursor } of events(client, { events: ['a.*'], cursor: '1' })) `${event.id} ${cursor}`.toUpperCase()
  // @ts-expect-error: the endpoint is missing
  await client.createSubscription({ events: ['a.*'] })
  // @ts-expect-error: there is no such member
  await client.publishEvent({ type: 'a', datum: 1 })
  // @ts-expect-error: there is no such method
  await client.call('publish', {})
  // @ts-expect-error: the level is none
  await client.createKey({ access: 'root' })
}
