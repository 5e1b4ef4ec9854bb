import { X509Certificate } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { type CertificateKind, TestAuthority } from './certificates.ts';

const NOW = Date.UTC(2026, 0, 31, 12);
const authority = new TestAuthority(NOW);
const ca = new X509Certificate(authority.caPem);

function issued(kind: CertificateKind): X509Certificate {
  return new X509Certificate(authority.issue(kind).certPem);
}

test('the authority signs itself and may sign others', () => {
  expect(ca.verify(ca.publicKey)).toBe(true);
  expect(ca.ca).toBe(true);
  expect(ca.subject).toBe('CN=Mailwright demo authority');
});

describe('a certificate', () => {
  test.each(['good', 'expired', 'wrong-name'] as const)('that is %s comes from the authority', (kind) => {
    const certificate = issued(kind);
    expect(certificate.checkIssued(ca)).toBe(true);
    expect(certificate.verify(ca.publicKey)).toBe(true);
    expect(certificate.ca).toBe(false);
  });

  test('that is self-signed comes from nobody else', () => {
    const certificate = issued('self-signed');
    expect(certificate.verify(certificate.publicKey)).toBe(true);
    expect(certificate.verify(ca.publicKey)).toBe(false);
  });

  test('has the key that came with it, and the fingerprint that is told', () => {
    const { certPem, keyPem, fingerprint } = authority.issue('good');
    const certificate = new X509Certificate(certPem);
    expect(keyPem).toContain('BEGIN PRIVATE KEY');
    expect(fingerprint).toBe(certificate.fingerprint256);
  });

  test('is valid now, unless it is the expired one', () => {
    const isValid = (kind: CertificateKind): boolean => {
      const { validFromDate, validToDate } = issued(kind);
      return validFromDate.getTime() <= NOW && NOW <= validToDate.getTime();
    };
    expect(isValid('good')).toBe(true);
    expect(isValid('self-signed')).toBe(true);
    expect(isValid('expired')).toBe(false);
  });

  test('names this machine, unless it is the one with the wrong name', () => {
    expect(issued('good').checkIP('127.0.0.1')).toBe('127.0.0.1');
    expect(issued('good').checkHost('localhost')).toBe('localhost');
    expect(issued('wrong-name').checkIP('127.0.0.1')).toBeUndefined();
    expect(issued('wrong-name').checkHost('localhost')).toBeUndefined();
  });
});
