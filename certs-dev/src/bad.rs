//! Every bad identity of the refusal ladder, each with the reason word that a gateway has to give. Among
//! them are the 17 deviant certificates of which a stock TLS stack accepts 12.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use serde::Serialize;
use time::{Duration, OffsetDateTime};

use crate::exchange::{Exchange, Role};
use crate::files::{Readers, read, write};
use crate::issue::{Authority, Leaf, Names, Use, pair};

/// What has to happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(tag = "outcome", content = "reason")]
pub enum Expect {
    /// The TLS handshake fails; the reason is in the gateway's log and metrics.
    HandshakeRefused(&'static str),
    /// The connection stands and every RPC answers `UNAUTHENTICATED` with the reason.
    Unauthenticated(&'static str),
}

/// A certificate that must not get in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BadIdentity {
    /// Short name, also of the files.
    pub name: &'static str,
    /// What is wrong with it.
    pub why: &'static str,
    /// PEM chain.
    pub certificate: PathBuf,
    /// PEM key.
    pub key: PathBuf,
    /// What has to happen.
    pub expect: Expect,
}

/// Names that are wrong, made from the good one by `{}` = trust domain and `#` = agency.
const BAD_NAMES: [(&str, &str, &str); 17] = [
    ("wildcard-path", "a wildcard for the system", "spiffe://{}/agency/#/system/*"),
    ("dot-dot", "a path that climbs", "spiffe://{}/agency/#/system/../system/desk"),
    ("upper-scheme", "an upper-case scheme", "SPIFFE://{}/agency/#/system/desk"),
    ("upper-path", "an upper-case system", "spiffe://{}/agency/#/system/Desk"),
    ("percent", "a percent-encoded letter", "spiffe://{}/agency/#/system/%61desk"),
    ("query", "a query", "spiffe://{}/agency/#/system/desk?x=1"),
    ("userinfo", "user information", "spiffe://admin@{}/agency/#/system/desk"),
    ("trailing-slash", "a slash at the end", "spiffe://{}/agency/#/system/desk/"),
    ("empty-segment", "an empty segment", "spiffe://{}/agency/#//system/desk"),
    ("port", "a port", "spiffe://{}:443/agency/#/system/desk"),
    ("fragment", "a fragment", "spiffe://{}/agency/#/system/desk#top"),
    ("nul", "a NUL byte", "spiffe://{}/agency/#/system/desk\0"),
    ("non-ascii", "a Cyrillic letter", "spiffe://{}/agency/#/system/d\u{435}sk"),
    ("space", "a space", "spiffe://{}/agency/#/system/desk "),
    ("other-scheme", "a web address", "https://{}/agency/#/system/desk"),
    ("no-system", "an agency alone", "spiffe://{}/agency/#"),
    ("ipv6", "an IPv6 literal for the trust domain", "spiffe://[::1]/agency/#/system/desk"),
];

/// Writes all of them into `bad/` of the exchange. Puts one serial number on the first agency's revocation
/// list, so trust is to be loaded afterwards. Needs two agencies beside the gateway's.
pub fn bad_identities(exchange: &mut Exchange, now: OffsetDateTime) -> Result<Vec<BadIdentity>> {
    let mut others = exchange.agencies.iter().filter(|a| a.agency != exchange.gateway_agency);
    let (first, second) = (others.next(), others.next());
    let two = "bad identities need two agencies beside the gateway's";
    let agency = first.context(two)?.agency.clone();
    let other = second.context(two)?.agency.clone();
    ensure!(exchange.identities.iter().any(|i| i.role == Role::Gateway), "no gateway");
    let mut bad = Bad {
        good: exchange.spiffe_id(&agency, "desk"),
        agency,
        other,
        exchange,
        now,
        made: vec![],
    };
    bad.issuers()?;
    bad.dates()?;
    bad.uses()?;
    bad.names()?;
    bad.spellings()?;
    Ok(bad.made)
}

struct Bad<'a> {
    exchange: &'a mut Exchange,
    agency: String,
    other: String,
    good: String,
    now: OffsetDateTime,
    made: Vec<BadIdentity>,
}

impl Bad<'_> {
    /// Good in everything; each case spoils one thing.
    fn leaf(&self) -> Leaf {
        Leaf {
            common_name: "bad".into(),
            names: Names::uri(&self.good),
            usage: Use::Client,
            is_ca: false,
            not_before: self.now - Duration::minutes(5),
            not_after: self.now + Duration::days(7),
        }
    }

    fn add(
        &mut self,
        name: &'static str,
        why: &'static str,
        issuer: &Authority,
        leaf: &Leaf,
        expect: Expect,
    ) -> Result<String> {
        let (certificate, key) = pair(&self.exchange.dir.join("bad"), name);
        let serial = issuer.issue_to(leaf, &certificate, &key)?;
        self.made.push(BadIdentity { name, why, certificate, key, expect });
        Ok(serial)
    }

    fn own(&mut self, name: &'static str, why: &'static str, leaf: &Leaf, e: Expect) -> Result<()> {
        let authority = self.exchange.authority(&self.agency)?;
        self.add(name, why, &authority, leaf, e).map(drop)
    }

    fn issuers(&mut self) -> Result<()> {
        let refused = Expect::HandshakeRefused;
        let good = self.leaf();
        let twin = Authority::new(&format!("{} development CA", self.agency), self.now)?;
        self.add(
            "wrong-ca-same-name",
            "a CA with the agency's CA's name and another key",
            &twin,
            &good,
            refused("UNTRUSTED_ISSUER"),
        )?;
        let stranger = Authority::new("stranger CA", self.now)?;
        let mut unlisted = self.leaf();
        unlisted.names = Names::uri(&self.exchange.spiffe_id("unlisted", "desk"));
        let why = "an agency that is not listed, from its own CA";
        self.add("unlisted", why, &stranger, &unlisted, refused("AGENCY_NOT_LISTED"))?;
        let authority = self.exchange.authority(&self.agency)?;
        let why = "on its issuer's revocation list";
        let expect = refused("CERTIFICATE_REVOKED");
        let serial = self.add("revoked", why, &authority, &good, expect)?;
        let agency = self.agency.clone();
        self.exchange.revoke(&agency, &[&serial], self.now, self.now + Duration::days(1))?;
        self.long_chain(&good)
    }

    fn long_chain(&mut self, leaf: &Leaf) -> Result<()> {
        let mut above = vec![];
        let own = self.exchange.authority(&self.agency)?;
        let mut issuer = own.intermediate("level 1", self.now)?;
        for level in 2..=4 {
            above.push(issuer.certificate_pem().to_owned());
            issuer = issuer.intermediate(&format!("level {level}"), self.now)?;
        }
        above.push(issuer.certificate_pem().to_owned());
        let why = "four intermediates";
        let expect = Expect::HandshakeRefused("CHAIN_TOO_LONG");
        self.add("long-chain", why, &issuer, leaf, expect)?;
        let path = self.made.last().context("nothing made")?.certificate.clone();
        above.reverse();
        write(&path, &(read(&path)? + &above.concat()), Readers::All)
    }

    fn dates(&mut self) -> Result<()> {
        let refused = Expect::HandshakeRefused;
        let mut leaf = self.leaf();
        leaf.not_before = self.now - Duration::days(8);
        leaf.not_after = self.now - Duration::days(1);
        self.own("expired", "expired a day ago", &leaf, refused("CERTIFICATE_EXPIRED"))?;
        leaf.not_before = self.now + Duration::days(1);
        leaf.not_after = self.now + Duration::days(8);
        let expect = refused("CERTIFICATE_NOT_YET_VALID");
        self.own("not-yet-valid", "valid from tomorrow", &leaf, expect)?;
        leaf.not_before = self.now - Duration::minutes(5);
        leaf.not_after = self.now + Duration::days(36_525);
        self.own("hundred-years", "valid for 100 years", &leaf, refused("LIFETIME_TOO_LONG"))
    }

    fn uses(&mut self) -> Result<()> {
        let refused = Expect::HandshakeRefused;
        let mut leaf = self.leaf();
        leaf.usage = Use::Nothing;
        self.own("no-eku", "no extended key usage", &leaf, refused("KEY_USAGE_MISSING"))?;
        leaf.usage = Use::Server;
        self.own("server-only", "meant for servers only", &leaf, refused("KEY_USAGE_MISSING"))?;
        let mut leaf = self.leaf();
        leaf.is_ca = true;
        self.own("ca-leaf", "itself a CA", &leaf, refused("CA_CERTIFICATE_AS_LEAF"))
    }

    fn names(&mut self) -> Result<()> {
        let unauthenticated = Expect::Unauthenticated;
        let mut leaf = self.leaf();
        leaf.names = Names::default();
        self.own("no-san", "no name", &leaf, unauthenticated("NAME_MISSING"))?;
        leaf.names.emails = vec!["desk@example.org".into()];
        self.own("email-only", "only an e-mail name", &leaf, unauthenticated("NAME_MISSING"))?;
        leaf.names = Names { dns: vec!["*.example.org".into()], ..Names::default() };
        let why = "only a wildcard DNS name";
        self.own("wildcard-dns", why, &leaf, unauthenticated("NAME_MISSING"))?;
        let second = self.exchange.spiffe_id(&self.agency, "auditor");
        leaf.names = Names::uri(&self.good);
        leaf.names.uris.push(second.into_bytes());
        self.own("two-uris", "two URI names", &leaf, unauthenticated("NAME_AMBIGUOUS"))?;
        leaf.names = Names::uri(&self.good);
        leaf.names.uris.push(self.good.clone().into_bytes());
        self.own("same-uri-twice", "one name twice", &leaf, unauthenticated("NAME_AMBIGUOUS"))?;
        self.foreign()
    }

    fn foreign(&mut self) -> Result<()> {
        let unauthenticated = Expect::Unauthenticated;
        let mut leaf = self.leaf();
        let other = self.exchange.authority(&self.other)?;
        let why = "an agency's name from another agency's CA";
        let expect = unauthenticated("NAME_OF_OTHER_AGENCY");
        self.add("other-agency", why, &other, &leaf, expect)?;
        leaf.names = Names::uri(&self.exchange.spiffe_id("unlisted", "desk"));
        let why = "an unlisted agency's name from a listed agency's CA";
        self.own("unlisted-by-listed", why, &leaf, expect)?;
        let name = format!("spiffe://production.example/agency/{}/system/desk", self.agency);
        leaf.names = Names::uri(&name);
        let expect = unauthenticated("NAME_OF_OTHER_DOMAIN");
        self.own("other-domain", "another trust domain", &leaf, expect)
    }

    fn spellings(&mut self) -> Result<()> {
        let expect = Expect::Unauthenticated("NAME_MALFORMED");
        let mut leaf = self.leaf();
        for (name, why, pattern) in BAD_NAMES {
            let spelt =
                pattern.replacen('#', &self.agency, 1).replace("{}", &self.exchange.trust_domain);
            leaf.names = Names::uri(&spelt);
            self.own(name, why, &leaf, expect)?;
        }
        let host = self.exchange.trust_domain.to_uppercase();
        leaf.names = Names::uri(&format!("spiffe://{host}/agency/{}/system/desk", self.agency));
        self.own("upper-host", "an upper-case trust domain", &leaf, expect)?;
        let long = self.exchange.spiffe_id(&self.agency, &"a".repeat(64));
        leaf.names = Names::uri(&long);
        self.own("long-segment", "a system of 64 letters", &leaf, expect)?;
        let long = self.exchange.spiffe_id(&self.agency, &"a".repeat(8_000));
        leaf.names = Names::uri(&long);
        self.own("long-name", "a name of 8,000 letters", &leaf, expect)
    }
}
