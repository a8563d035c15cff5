// What every client does: register a webhook by Vision6's document and a native one, publish an event that matches, and
// be refused properly. Called with the address and a key; exits non-zero when anything is not as it should be.
const assert = require('node:assert')

const [url, key, endpoint] = process.argv.slice(2)

async function scene(name, call) {
  const details = { object: 'contact', event: 'unsubscribed', list_id: 123, url: `${endpoint}/${name}/vision6` }
  const id = await call('addWebhook', [key, details])
  assert.ok(Number.isInteger(id) && id > 0, `addWebhook answered ${JSON.stringify(id)}`)

  const subscription = await call('createSubscription', [{ endpoint: `${endpoint}/${name}/native`, events: ['contact.*'] }])
  assert.match(subscription.id, /^sub_/)
  assert.match(subscription.secret, /^whsec_/)

  const published = await call('publishEvent', { type: 'contact.unsubscribed', attributes: { list_id: 123, contact_id: 7 } })
  assert.ok(published.matched >= 2, `matched ${published.matched}`)

  await assert.rejects(() => call('addWebhook', [key, details]), (e) => (e.code ?? e.error?.code) === 351, 'the same again is 351')
  await assert.rejects(() => call('nosuch', []), (e) => (e.code ?? e.error?.code) === -32601, 'an unknown method is -32601')
  console.log(`${name} ok`)
}

module.exports = { url, key, scene }
