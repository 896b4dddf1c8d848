//! A CA and what it issues: leaves of any shape, intermediates, revocation lists. P-256 throughout.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CertificateRevocationListParams,
    CustomExtension, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod,
    KeyPair, KeyUsagePurpose, RevocationReason, RevokedCertParams, SanType, SerialNumber,
};
use time::{Duration, OffsetDateTime};

use crate::files::{Readers, read, write};

/// subjectAltName, 2.5.29.17.
const SUBJECT_ALT_NAME: &[u64] = &[2, 5, 29, 17];

/// A certificate authority with its key.
pub struct Authority {
    certificate_pem: String,
    issuer: Issuer<'static, KeyPair>,
}

/// Subject alternative names of a leaf.
#[derive(Debug, Clone, Default)]
pub struct Names {
    /// URI names as raw bytes, so that no grammar stands in a bad name's way.
    pub uris: Vec<Vec<u8>>,
    /// DNS names.
    pub dns: Vec<String>,
    /// IP addresses.
    pub addresses: Vec<IpAddr>,
    /// E-mail addresses.
    pub emails: Vec<String>,
}

/// Extended key usages of a leaf.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// None at all.
    Nothing,
    /// It calls.
    Client,
    /// It is called.
    Server,
    /// Both.
    Both,
}

/// What to issue.
#[derive(Debug, Clone)]
pub struct Leaf {
    /// Common name; nothing reads it.
    pub common_name: String,
    /// Names.
    pub names: Names,
    /// Uses.
    pub usage: Use,
    /// Basic constraints say CA.
    pub is_ca: bool,
    /// First moment.
    pub not_before: OffsetDateTime,
    /// Last moment.
    pub not_after: OffsetDateTime,
}

/// An issued certificate with its key, not yet written.
pub(crate) struct Issued {
    pub certificate_pem: String,
    pub key_pem: String,
    pub serial: String,
}

impl Names {
    /// One URI.
    pub fn uri(uri: &str) -> Self {
        Self { uris: vec![uri.as_bytes().to_vec()], ..Self::default() }
    }

    /// Adds `localhost` and the loopback addresses.
    pub fn on_loopback(mut self) -> Self {
        self.dns.push("localhost".into());
        self.addresses.push(IpAddr::from([127, 0, 0, 1]));
        self.addresses.push(IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1]));
        self
    }
}

impl Authority {
    /// A new self-signed CA, valid for ten years from a day before `now`.
    pub fn new(common_name: &str, now: OffsetDateTime) -> Result<Self> {
        let key = KeyPair::generate()?;
        let mut params = ca_params(common_name, now)?;
        params.not_after = now + Duration::days(3650);
        let certificate_pem = params.self_signed(&key)?.pem();
        Ok(Self { certificate_pem, issuer: Issuer::new(params, key) })
    }

    /// A CA under this one.
    pub fn intermediate(&self, common_name: &str, now: OffsetDateTime) -> Result<Self> {
        let key = KeyPair::generate()?;
        let mut params = ca_params(common_name, now)?;
        params.use_authority_key_identifier_extension = true;
        params.not_after = now + Duration::days(365);
        let certificate_pem = params.signed_by(&key, &self.issuer)?.pem();
        Ok(Self { certificate_pem, issuer: Issuer::new(params, key) })
    }

    /// Reads a CA that was written before.
    pub fn load(certificate: &Path, key: &Path) -> Result<Self> {
        let certificate_pem = read(certificate)?;
        let key = KeyPair::from_pem(&read(key)?)
            .with_context(|| format!("`{}` holds no key", key.display()))?;
        let issuer = Issuer::from_ca_cert_pem(&certificate_pem, key)
            .with_context(|| format!("`{}` holds no certificate", certificate.display()))?;
        Ok(Self { certificate_pem, issuer })
    }

    /// Its certificate.
    pub fn certificate_pem(&self) -> &str {
        &self.certificate_pem
    }

    /// Writes certificate and key.
    pub fn save(&self, certificate: &Path, key: &Path) -> Result<()> {
        write(certificate, &self.certificate_pem, Readers::All)?;
        write(key, &self.issuer.key().serialize_pem(), Readers::Owner)
    }

    /// Issues a leaf with a fresh key and writes both; returns the serial number in hex.
    pub fn issue_to(&self, leaf: &Leaf, certificate: &Path, key: &Path) -> Result<String> {
        let issued = self.issue(leaf)?;
        write(certificate, &issued.certificate_pem, Readers::All)?;
        write(key, &issued.key_pem, Readers::Owner)?;
        Ok(issued.serial)
    }

    /// A revocation list in PEM; `revoked` are serial numbers in hex.
    pub fn revocation_list(
        &self,
        revoked: &[String],
        this_update: OffsetDateTime,
        next_update: OffsetDateTime,
    ) -> Result<String> {
        let entry = |serial: &String| -> Result<RevokedCertParams> {
            Ok(RevokedCertParams {
                serial_number: SerialNumber::from_slice(&from_hex(serial)?),
                revocation_time: this_update,
                reason_code: Some(RevocationReason::KeyCompromise),
                invalidity_date: None,
            })
        };
        let number = u64::try_from(this_update.unix_timestamp()).unwrap_or(1);
        let params = CertificateRevocationListParams {
            this_update,
            next_update,
            crl_number: SerialNumber::from(number),
            issuing_distribution_point: None,
            revoked_certs: revoked.iter().map(entry).collect::<Result<_>>()?,
            key_identifier_method: KeyIdMethod::Sha256,
        };
        Ok(params.signed_by(&self.issuer)?.pem()?)
    }

    pub(crate) fn issue(&self, leaf: &Leaf) -> Result<Issued> {
        let key = KeyPair::generate()?;
        let serial = serial()?;
        let params = leaf.params(&serial)?;
        let certificate: Certificate = params.signed_by(&key, &self.issuer)?;
        Ok(Issued {
            certificate_pem: certificate.pem(),
            key_pem: key.serialize_pem(),
            serial: to_hex(&serial),
        })
    }
}

impl Leaf {
    fn params(&self, serial: &[u8]) -> Result<CertificateParams> {
        let mut params = CertificateParams::default();
        params.distinguished_name = distinguished_name(&self.common_name);
        params.serial_number = Some(SerialNumber::from_slice(serial));
        params.not_before = self.not_before;
        params.not_after = self.not_after;
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.is_ca =
            if self.is_ca { IsCa::Ca(BasicConstraints::Unconstrained) } else { IsCa::ExplicitNoCa };
        params.extended_key_usages = match self.usage {
            Use::Nothing => vec![],
            Use::Client => vec![ExtendedKeyUsagePurpose::ClientAuth],
            Use::Server => vec![ExtendedKeyUsagePurpose::ServerAuth],
            Use::Both => {
                vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth]
            }
        };
        self.names.add_to(&mut params)?;
        Ok(params)
    }
}

impl Names {
    /// ASCII names go the usual way; anything else is encoded by hand, since the library would refuse it.
    fn add_to(&self, params: &mut CertificateParams) -> Result<()> {
        if let Some(raw) = self.uris.iter().find(|uri| !uri.is_ascii()) {
            let content = raw_uri_names(raw)?;
            let extension = CustomExtension::from_oid_content(SUBJECT_ALT_NAME, content);
            params.custom_extensions.push(extension);
            return Ok(());
        }
        let names = &mut params.subject_alt_names;
        for uri in &self.uris {
            names.push(SanType::URI(std::str::from_utf8(uri)?.try_into()?));
        }
        for dns in &self.dns {
            names.push(SanType::DnsName(dns.as_str().try_into()?));
        }
        for email in &self.emails {
            names.push(SanType::Rfc822Name(email.as_str().try_into()?));
        }
        names.extend(self.addresses.iter().map(|address| SanType::IpAddress(*address)));
        Ok(())
    }
}

/// `GeneralNames` with one URI of any bytes: SEQUENCE { [6] IMPLICIT IA5String }, short lengths only.
fn raw_uri_names(uri: &[u8]) -> Result<Vec<u8>> {
    let length = u8::try_from(uri.len()).ok().filter(|length| *length < 126);
    let length = length.context("a raw name is at most 125 bytes")?;
    let mut der = vec![0x30, length + 2, 0x86, length];
    der.extend_from_slice(uri);
    Ok(der)
}

fn ca_params(common_name: &str, now: OffsetDateTime) -> Result<CertificateParams> {
    let mut params = CertificateParams::default();
    params.distinguished_name = distinguished_name(common_name);
    params.serial_number = Some(SerialNumber::from_slice(&serial()?));
    params.not_before = now - Duration::days(1);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok(params)
}

fn distinguished_name(common_name: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common_name);
    name
}

/// 16 random bytes, positive and without a leading zero.
fn serial() -> Result<[u8; 16]> {
    let mut serial = [0; 16];
    aws_lc_rs::rand::fill(&mut serial).ok().context("the machine gives no random numbers")?;
    if let Some(first) = serial.first_mut() {
        *first = (*first & 0x3f) | 0x40;
    }
    Ok(serial)
}

pub(crate) fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn from_hex(text: &str) -> Result<Vec<u8>> {
    let digits = text.as_bytes();
    anyhow::ensure!(
        digits.len().is_multiple_of(2) && digits.iter().all(u8::is_ascii_hexdigit),
        "`{text}` is not a serial number in hex"
    );
    digits.chunks(2).map(|pair| Ok(u8::from_str_radix(std::str::from_utf8(pair)?, 16)?)).collect()
}

/// Where a certificate and its key lie.
pub(crate) fn pair(folder: &Path, name: &str) -> (PathBuf, PathBuf) {
    (folder.join(format!("{name}.pem")), folder.join(format!("{name}.key")))
}
