//! What we read from one certificate: dates, serial, issuer, names, key size, uses. Proves nothing; the
//! chain is checked in `bundle`.

use rustls_pki_types::CertificateDer;
use x509_parser::der_parser::asn1_rs::Tag;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};
use x509_parser::public_key::PublicKey;

use super::refusal::IdentityRefusal;

/// Intermediates beyond the leaf.
const MAX_INTERMEDIATES: usize = 3;
/// Bytes of a whole chain.
const MAX_CHAIN_BYTES: usize = 32 * 1024;
/// Bits of an RSA modulus.
const MAX_RSA_BITS: usize = 4096;
/// The tag of a URI among general names.
const URI_TAG: Tag = Tag(6);

/// The facts of one certificate.
pub(crate) struct Certificate {
    /// First second of validity.
    pub not_before: i64,
    /// Last second of validity.
    pub not_after: i64,
    /// Serial number, as encoded.
    pub serial: Vec<u8>,
    /// Issuer, DER.
    pub issuer: Vec<u8>,
    /// URI names; `None` for one that is not ASCII text.
    pub uris: Vec<Option<String>>,
    /// Basic constraints say CA.
    pub is_ca: bool,
    /// Extended key usage names clientAuth.
    pub client_auth: bool,
    /// Extended key usage names serverAuth.
    pub server_auth: bool,
}

impl Certificate {
    /// Reads one certificate. Repeated or unreadable extensions and trailing bytes are refused.
    pub fn read(der: &CertificateDer<'_>) -> Result<Self, IdentityRefusal> {
        let broken = IdentityRefusal::CertificateMalformed;
        let (rest, parsed) = X509Certificate::from_der(der).map_err(|_| broken)?;
        if !rest.is_empty() {
            return Err(broken);
        }
        if let Ok(PublicKey::RSA(key)) = parsed.public_key().parsed()
            && key.modulus.len() > MAX_RSA_BITS / 8 + 1
        {
            return Err(IdentityRefusal::KeyTooLarge);
        }
        let names = parsed.subject_alternative_name().map_err(|_| broken)?;
        let uses = parsed.extended_key_usage().map_err(|_| broken)?;
        let basic = parsed.basic_constraints().map_err(|_| broken)?;
        Ok(Self {
            not_before: parsed.validity().not_before.timestamp(),
            not_after: parsed.validity().not_after.timestamp(),
            serial: parsed.raw_serial().to_vec(),
            issuer: parsed.issuer().as_raw().to_vec(),
            uris: names.iter().flat_map(|n| &n.value.general_names).filter_map(uri).collect(),
            is_ca: basic.is_some_and(|b| b.value.ca),
            client_auth: uses.as_ref().is_some_and(|u| u.value.client_auth),
            server_auth: uses.as_ref().is_some_and(|u| u.value.server_auth),
        })
    }
}

/// Refuses a chain that is too long to look at, before anything in it is looked at; returns the facts of
/// each certificate, the leaf's first.
pub(crate) fn read_chain(
    chain: &[CertificateDer<'_>],
) -> Result<Vec<Certificate>, IdentityRefusal> {
    if chain.is_empty() {
        return Err(IdentityRefusal::NoClientCertificate);
    }
    let bytes: usize = chain.iter().map(|c| c.len()).sum();
    if chain.len() > MAX_INTERMEDIATES + 1 || bytes > MAX_CHAIN_BYTES {
        return Err(IdentityRefusal::ChainTooLong);
    }
    chain.iter().map(Certificate::read).collect()
}

fn uri(name: &GeneralName<'_>) -> Option<Option<String>> {
    match name {
        GeneralName::URI(text) => Some(Some((*text).to_owned())),
        GeneralName::Invalid(tag, _) if *tag == URI_TAG => Some(None),
        _ => None,
    }
}
