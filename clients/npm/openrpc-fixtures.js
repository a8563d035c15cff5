// What the examples name does not exist on a new server. prepare makes each thing that parameters name, anew for every
// call, and puts the server's own id in the place of the example's.
const assert = require('node:assert')
const transport = require('./openrpc-transport')

let made = 0

// Values of examples, and how to make what they stand for. A maker gets {call, endpoint, key} and returns the new value.
const makers = {
  YOURAPIKEY: ({ key }) => key,
  616: ({ call, key, endpoint }) => call('addWebhook', [key, { object: 'contact', event: 'created', list_id: ++made, url: endpoint }]),
  1894: ({ call, endpoint }) => call('postWebhook', { handler: endpoint, trigger: 'create', database: ++made }),
  681: async ({ call, endpoint }) => (await superoffice(call, endpoint)).WebhookId,
  sub_01K9H2V6C3E1T7Y8RZ5QW0XNMA: async ({ call, endpoint }) => (await native(call, endpoint)).id,
  sub_01K9H2V6C3E1T7Y8RZ5QW0XPUL: async ({ call }) => (await native(call, 'pull:made')).id,
  '01HYDYEBHMANSVJ0JKSVK9W3VY': async ({ call, endpoint }) => {
    const filter_config = { event_type: 'profile.updated', filter: { userId: `${++made}` }, payload: { userId: `${made}` } }
    return (await call('createSubscription', { endpoint, filter_config })).webhook_id
  },
  'unsub-142-1': ({ call }) => publish(call),
  dlv_616_42: ({ call, endpoint }) => delivered(call, endpoint),
  rpl_3: async ({ call }) => (await call('replayEvents', { states: ['dead'] })).id,
  2: async ({ call }) => (await call('createKey', { access: 'read', name: 'to be revoked' })).id,
  'order.paid': async ({ call }) => (await call('putEventType', { type: `order.paid_${++made}` })).type,
  // A moment by which nothing has changed: the example's is long ago.
  unmodifiedSince: () => new Date(Date.now() + 1000).toISOString(),
}

const superoffice = (call, endpoint) =>
  call('postWebhook', { Name: `n${++made}`, Events: ['contact.created'], TargetUrl: endpoint, Secret: 'ea' })

const native = (call, endpoint) => call('createSubscription', { endpoint: `${endpoint}${endpoint.startsWith('pull:') ? '' : '/'}${++made}`, events: [`made.e${made}`] })

async function publish(call) {
  return (await call('publishEvent', { type: `made.e${made}` })).id
}

async function delivered(call, endpoint) {
  const { id } = await native(call, endpoint)
  await publish(call)
  for (let tries = 0; tries < 200; tries++) {
    const { items: [first] } = await call('listDeliveries', { webhook: id })
    if (first?.state === 'delivered') return first.id
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
  throw new Error('the delivery that an example needs was not delivered')
}

exports.prepare = async function ({ url, key, endpoint }, params) {
  const call = async (method, params) => {
    const { result, error } = await transport(`${url}/rpc`, key, method, params)
    assert.strictEqual(error, undefined, `${method}: ${JSON.stringify(error)}`)
    return result
  }
  const replace = async (value, name) => {
    const maker = typeof value === 'string' || typeof value === 'number' ? makers[name] ?? makers[value] : undefined
    if (maker) {
      const own = await maker({ call, endpoint, key })
      return typeof value === 'string' ? String(own) : own
    }
    if (Array.isArray(value)) return Promise.all(value.map((v) => replace(v)))
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(await Promise.all(Object.entries(value).map(async ([n, v]) => [n, await replace(v, n)])))
  }
  return replace(params)
}
