// SuperOffice's own TypeScript client, @superoffice/webapi: its WebhookAgent, all eight calls, and a receiver that checks
// what it gets as the vendor tells receivers to. Called with the address and a key; exits non-zero when anything is not as
// it should be.
const assert = require('node:assert')
const crypto = require('node:crypto')
const http = require('node:http')
const { WebhookAgent } = require('@superoffice/webapi')

const [url, key] = process.argv.slice(2)
const secret = 'Something Super Secret'

// receive answers 200 to signed deliveries, but 500 at /bad. next() waits for the delivery of an event at /hook.
function receive() {
  const waiting = new Map()
  const server = http.createServer((request, answer) => {
    const parts = []
    request.on('data', (part) => parts.push(part))
    request.on('end', () => {
      const body = Buffer.concat(parts)
      const signature = crypto.createHmac('sha256', secret).update(body).digest('base64')
      const good = request.headers['x-superoffice-signature'] === signature && request.url !== '/bad'
      answer.writeHead(good ? 200 : 500, { 'Content-Type': 'text/plain' }).end(good ? 'thanks' : 'try later')
      waiting.get(request.url + ' ' + request.headers['x-superoffice-event'])?.(JSON.parse(body))
    })
  })
  const next = (path, event) => new Promise((resolve) => waiting.set(path + ' ' + event, resolve))
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => {
    resolve({ server, next, endpoint: `http://127.0.0.1:${server.address().port}` })
  }))
}

async function run() {
  const { server, next, endpoint } = await receive()
  const agent = new WebhookAgent(`${url}/Cust12345`, { auth: { username: 'u', password: key } })

  const fresh = await agent.createDefaultWebhookAsync()
  assert.equal(fresh.webhookId, 0)
  assert.deepEqual(fresh.events, ['contact.created', 'contact.deleted'])

  const entity = {
    name: 'A', events: ['contact.created', 'foo.bar'], type: 'webhook', targetUrl: `${endpoint}/hook`, secret, state: 1,
    headers: { 'X-A': 'b' }, properties: { p: 1 },
  }
  const saved = await agent.saveWebhookAsync(entity)
  assert.ok(saved.webhookId > 0)
  assert.equal(saved.state, 'Active')
  assert.equal(saved.secret, secret)
  assert.deepEqual(saved.headers, { 'X-A': 'b' })
  assert.deepEqual(saved.properties, { p: 1 })
  assert.ok(saved.registered instanceof Date && !Number.isNaN(saved.registered.getTime()))
  await assert.rejects(agent.saveWebhookAsync(entity), (e) => e.response.status === 409 && e.response.data.Error === true)

  const read = await agent.getWebhookAsync(saved.webhookId)
  assert.deepEqual(read.events, entity.events)
  read.name = 'My hook'
  const again = await agent.saveWebhookAsync(read) // what was fetched, sent back whole
  assert.equal(again.webhookId, saved.webhookId)
  assert.equal(again.name, 'My hook')

  const all = await agent.getAllWebhooksAsync(null, 'contact.created', 1)
  assert.deepEqual(all.map((w) => w.webhookId), [saved.webhookId])
  assert.deepEqual(await agent.getAllWebhooksAsync('nobody', null, null), [])

  const test = await agent.testWebhookAsync({ ...read, targetUrl: `${endpoint}/test` })
  assert.equal(test.success, true, test.message)
  assert.match(test.message, /^HTTP 200 OK[^]*thanks$/)
  const bad = await agent.testWebhookAsync({ ...read, targetUrl: `${endpoint}/bad` })
  assert.equal(bad.success, false)
  assert.match(bad.message, /^HTTP 500 Internal Server Error[^]*try later$/)
  assert.equal(await agent.getLastErrorAsync(saved.webhookId), '')

  const arrived = next('/hook', 'foo.bar')
  await agent.signalEventAsync('foo.bar', 123, { a: 1 })
  const body = await arrived
  assert.equal(body.PrimaryKey, 123)
  assert.equal(body.ContextIdentifier, 'Cust12345')
  assert.equal(body.WebhookName, 'My hook')
  assert.equal(body.p, 1)

  const faulty = { name: 'x', events: ['a.b'], type: 'webhook', targetUrl: 'nonsense' }
  await assert.rejects(agent.saveWebhookAsync(faulty), ({ response }) => {
    assert.equal(response.status, 400)
    assert.equal(response.data.ErrorType, 'ArgumentException')
    return response.data.Message.startsWith('Webhook TargetUrl ')
  })

  await agent.deleteWebhookAsync(saved.webhookId)
  assert.equal((await agent.getWebhookAsync(saved.webhookId)) ?? null, null)
  server.close()
  server.closeAllConnections()
  console.log('@superoffice/webapi ok')
}

run().catch((e) => {
  console.error(e.response ? [e.message, e.response.data] : e)
  process.exit(1)
})
