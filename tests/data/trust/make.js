// Bundles of sigstore's JavaScript client against its mocked services, with the trust root that names those.
// npm install @sigstore/mock@0.13.0 @sigstore/sign@5 @sigstore/bundle@5 && node make.js FOLDER
const fs = require('fs'), crypto = require('crypto'), nock = require('nock');
const mock = require('@sigstore/mock');
const { DSSEBundleBuilder, FulcioSigner, RekorWitness, TSAWitness } = require('@sigstore/sign');
const { bundleToJSON } = require('@sigstore/bundle');

const IDENTITY = 'release@acme.example', ISSUER = 'https://issuer.acme.example';
const pair = () => crypto.generateKeyPairSync('ec', { namedCurve: 'P-256' });
const b64 = (data) => Buffer.from(data.buffer ?? data).toString('base64');

async function main(folder) {
  const ctlog = await mock.initializeCTLog(pair());
  const ca = await mock.initializeCA(pair(), ctlog);
  const rekor = await mock.initializeTLog('https://rekor.test', pair());
  const tsa = await mock.initializeTSA(pair());
  const serve = (url, handler) =>
    nock(url).persist().post(handler.path).reply(async (_, body) => {
      const told = await handler.fn(typeof body === 'string' ? body : JSON.stringify(body));
      return [told.statusCode, told.response, { 'Content-Type': told.contentType || 'text/plain' }];
    });
  serve('https://fulcio.test', mock.fulcioHandler(ca));
  serve('https://rekor.test', mock.rekorHandler(rekor));
  const stamp = mock.tsaHandler(tsa);
  nock('https://tsa.test').persist().post(stamp.path).reply(async (_, body) => {
    const told = await stamp.fn(typeof body === 'string' ? body : JSON.stringify(body));
    return [told.statusCode, told.response, { 'Content-Type': 'application/timestamp-reply' }];
  });

  const claims = { sub: IDENTITY, email: IDENTITY, email_verified: true, iss: ISSUER };
  const token = `.${Buffer.from(JSON.stringify(claims)).toString('base64')}.`;
  const signer = () => new FulcioSigner({ fulcioBaseURL: 'https://fulcio.test', identityProvider: { getToken: async () => token } });
  const payload = Buffer.from(JSON.stringify({
    _type: 'https://in-toto.io/Statement/v1',
    subject: [{ name: 'image', digest: { sha256: 'a1'.repeat(32) } }],
    predicateType: 'https://sigstore.dev/cosign/sign/v1',
    predicate: {},
  }));
  const timed = new TSAWitness({ tsaBaseURL: 'https://tsa.test' });
  // The mocked log keeps what it was sent; of the kinds of entries only that of intoto is like what Rekor makes of it.
  const uses = {
    'logged': [new RekorWitness({ rekorBaseURL: 'https://rekor.test', entryType: 'intoto' })],
    'stamped': [new RekorWitness({ rekorBaseURL: 'https://rekor.test', entryType: 'intoto' }), timed],
  };
  for (const [name, witnesses] of Object.entries(uses)) {
    const builder = new DSSEBundleBuilder({ signer: signer(), witnesses });
    const bundle = await builder.create({ data: payload, type: 'application/vnd.in-toto+json' });
    fs.writeFileSync(`${folder}/${name}.json`, JSON.stringify(bundleToJSON(bundle), null, 1) + '\n');
  }
  const start = { start: '2020-01-01T00:00:00Z' };
  const log = (baseUrl, key, id) => ({
    baseUrl, hashAlgorithm: 'SHA2_256', logId: { keyId: b64(id) },
    publicKey: { rawBytes: b64(key), keyDetails: 'PKIX_ECDSA_P256_SHA_256', validFor: start },
  });
  const chain = (...certificates) => ({ certChain: { certificates: certificates.map((each) => ({ rawBytes: b64(each) })) }, validFor: start });
  const root = {
    mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
    tlogs: [log('https://rekor.test', rekor.publicKey, crypto.createHash('sha256').update(rekor.publicKey).digest())],
    certificateAuthorities: [chain(ca.rootCertificate)],
    ctlogs: [log('https://ctfe.test', ctlog.publicKey, ctlog.logID)],
    timestampAuthorities: [chain(tsa.intCertificate, tsa.rootCertificate)],
  };
  fs.writeFileSync(`${folder}/trusted_root.json`, JSON.stringify(root, null, 1) + '\n');
}

main(process.argv[2]).catch((error) => { console.error(error); process.exit(1); });
