// Fetches the files of an artifact and checks every byte: flipped ones would load silently and give wrong numbers.
import {PageError} from './errors.mjs';

async function checked({path, bytes, sha256}) {
  const response = await fetch(`../artifact/${path}`);
  if (!response.ok) throw new PageError('failed', `${path} is missing from the artifact`);
  const content = await response.arrayBuffer();
  if (content.byteLength !== bytes) {
    throw new PageError('failed', `${path} is ${content.byteLength} bytes long and should be ${bytes}: convert it again`);
  }
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', content));
  const found = Array.from(hash, byte => byte.toString(16).padStart(2, '0')).join('');
  if (found !== sha256) {
    throw new PageError('failed', `${path} is not what was converted (SHA-256 ${found.slice(0, 12)}…): convert it again`);
  }
  return {content, sha256: found};
}

// `files`: path, bytes and sha256 of each. Returns, by path, `contents` (an ArrayBuffer each) and `hashes`.
export async function fetched(files) {
  const contents = new Map();
  const hashes = {};
  for (const file of files) {
    const {content, sha256} = await checked(file);
    contents.set(file.path, content);
    hashes[file.path] = sha256;
  }
  return {contents, hashes};
}
