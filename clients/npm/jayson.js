// jayson over HTTP, in JSON-RPC 2.0 and 1.0.
const jayson = require('jayson/promise')
const { url, key, scene } = require('./scene')

async function run(version) {
  const { hostname, port } = new URL(url)
  const client = jayson.Client.http({ hostname, port, path: '/rpc', version, headers: { Authorization: `Bearer ${key}` } })
  await scene(`jayson-${version}`, async (method, params) => {
    const list = version === 1 && !Array.isArray(params) ? [params.type, params.attributes] : params
    // Version 1.0 has no named parameters; publishEvent's positional order is type, data, id, source, subject, time, attributes.
    const sent = version === 1 && method === 'publishEvent'
      ? [params.type, null, undefined, undefined, undefined, undefined, params.attributes].map((v) => v ?? null) : list
    const answer = await client.request(method, sent)
    if (answer.error) throw Object.assign(new Error(answer.error.message), { code: answer.error.code })
    return answer.result
  })
}

run(2).then(() => run(1)).catch((e) => { console.error(e); process.exit(1) })
