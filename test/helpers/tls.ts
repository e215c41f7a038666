/** A certificate for localhost and 127.0.0.1 that signs itself, good until the next century, and its key: for servers under test. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBmjCCAUGgAwIBAgIUC2NwKEg0cIq7XPC5d/qO9SjEMuQwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyNjE0MjU0OVoYDzIxMjYxMTAy
MTQyNTQ5WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAAQG12cLgc60Hnr8jwjlcqYWNw6gWJGXi5xeRFDzoyuGuy62zeDyqlAK
GhHKAe4SrkS4UkkA56FJuEiqv88d58upo28wbTAdBgNVHQ4EFgQUc8/z9juYQP0W
R0VhkaE1RfoujFcwHwYDVR0jBBgwFoAUc8/z9juYQP0WR0VhkaE1RfoujFcwDwYD
VR0TAQH/BAUwAwEB/zAaBgNVHREEEzARgglsb2NhbGhvc3SHBH8AAAEwCgYIKoZI
zj0EAwIDRwAwRAIgBPCPr6Fgt4zWO6wV97oLebqRb4QGFNNl2vH/s1kspfoCIHMb
wmshKiWHGPet0vjjT6OkGFySMZCP2KR1ZPUsjsn6
-----END CERTIFICATE-----
`;

const KEY = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgUf3ctahH6otpDrvC
AX1LCnGRvdtzEuTXaqYAkbqDhQyhRANCAAQG12cLgc60Hnr8jwjlcqYWNw6gWJGX
i5xeRFDzoyuGuy62zeDyqlAKGhHKAe4SrkS4UkkA56FJuEiqv88d58up
-----END PRIVATE KEY-----
`;

export interface TlsFiles {
  readonly certificate: string;
  readonly key: string;
  remove(): void;
}

/** Both as files. */
export function tlsFiles(): TlsFiles {
  const folder = mkdtempSync(join(tmpdir(), 'lambdesque-tls-'));
  const certificate = join(folder, 'certificate.pem');
  const key = join(folder, 'key.pem');
  writeFileSync(certificate, CERTIFICATE);
  writeFileSync(key, KEY);
  return { certificate, key, remove: () => rmSync(folder, { recursive: true }) };
}
