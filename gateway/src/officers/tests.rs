//! Every way in which a token is refused, and that the key alone chooses the algorithm.

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::*;

const NOW: Moment = Moment::from_seconds(1_800_000_000);
const GATEWAY: &str = "gateway.test/portcullis";

struct Bench {
    dir: tempfile::TempDir,
    tokens: OfficerTokens,
}

fn digest() -> Digest {
    Digest::of(b"query")
}

impl Bench {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut keys: BTreeMap<AgencyId, Vec<TokenKey>> = BTreeMap::new();
        for (agency, kid) in [("police", "old"), ("police", "new"), ("customs", "its")] {
            let file = dir.path().join(kid);
            let public = generate(&file).unwrap();
            keys.entry(agency.into()).or_default().push(TokenKey::read(kid, &public).unwrap());
        }
        Self { dir, tokens: OfficerTokens::new(GATEWAY, 300, 30, keys) }
    }

    fn key(&self, name: &str) -> SigningKey {
        SigningKey::read(&self.dir.path().join(name)).unwrap()
    }

    fn mint(&self, kid: &str, claims: &Claims) -> String {
        mint(claims, &self.key(kid), kid).unwrap()
    }

    fn prove(&self, token: &str) -> Result<Proof, TokenRefusal> {
        let case = CaseId::new("CASE-1");
        let expected = Expected {
            agency: &"police".into(),
            officer: "o.rask",
            case: Some(&case),
            query_digest: digest(),
        };
        self.tokens.prove(token, &expected, NOW)
    }
}

fn claims() -> Claims {
    Claims {
        iss: "police".to_owned(),
        sub: "o.rask".to_owned(),
        aud: GATEWAY.to_owned(),
        case_id: Some("CASE-1".to_owned()),
        query_digest: digest().to_string(),
        jti: "1".to_owned(),
        iat: NOW.seconds(),
        nbf: None,
        exp: NOW.seconds() + 300,
    }
}

#[test]
fn a_token_of_either_of_an_agencys_keys_proves_its_officer() {
    let bench = Bench::new();
    for kid in ["old", "new"] {
        let token = bench.mint(kid, &claims());
        let proof = bench.prove(&token).unwrap();
        assert_eq!((proof.officer.as_str(), proof.key_id.as_str()), ("o.rask", kid));
        assert_eq!(proof.token, Digest::of(token.as_bytes()));
        assert_eq!(proof.remembered_until.seconds(), NOW.seconds() + 300 + 30 + 86_400);
    }
    let [one, two] = ["old", "new"].map(|kid| bench.prove(&bench.mint(kid, &claims())).unwrap());
    assert_eq!(one.use_of, two.use_of, "one jti is one use, whatever key signed it");
}

#[test]
fn each_wrong_claim_has_its_reason() {
    use TokenRefusal::*;
    let bench = Bench::new();
    let now = NOW.seconds();
    type Change = (&'static str, fn(&mut Claims, i64), TokenRefusal);
    let changes: [Change; 16] = [
        ("agency", |claims, _| claims.iss = "customs".into(), WrongAgency),
        ("audience", |claims, _| claims.aud = "gateway.test/other".into(), WrongAudience),
        ("case", |claims, _| claims.case_id = Some("CASE-2".into()), WrongCase),
        ("no case", |claims, _| claims.case_id = None, WrongCase),
        ("query", |claims, _| claims.query_digest = Digest::of(b"?").to_string(), WrongQuery),
        ("case of digits", |claims, _| claims.query_digest.make_ascii_uppercase(), WrongQuery),
        ("officer", |claims, _| claims.sub = "o.lee".into(), WrongOfficer),
        ("no officer", |claims, _| claims.sub = String::new(), Malformed),
        ("a separator", |claims, _| claims.sub = "o|rask".into(), Malformed),
        ("no id", |claims, _| claims.jti = String::new(), Malformed),
        ("long life", |claims, _| claims.exp += 1, TooLongLived),
        ("expired", |claims, now| (claims.iat, claims.exp) = (now - 330, now - 30), Expired),
        ("early", |claims, now| (claims.iat, claims.exp) = (now + 31, now + 60), NotYetValid),
        ("not before", |claims, now| claims.nbf = Some(now + 31), NotYetValid),
        ("backwards", |claims, now| (claims.iat, claims.exp) = (now, now), Malformed),
        ("far", |claims, _| (claims.iat, claims.exp) = (i64::MAX - 1, i64::MAX), Malformed),
    ];
    for (what, change, refusal) in changes {
        let mut claims = claims();
        change(&mut claims, now);
        assert_eq!(bench.prove(&bench.mint("old", &claims)), Err(refusal), "{what}");
    }
    // Up to the skew is still good, on both sides.
    for (iat, exp) in [(now + 30, now + 60), (now - 300, now - 29)] {
        bench.prove(&bench.mint("old", &Claims { iat, exp, ..claims() })).unwrap();
    }
}

#[test]
fn keys_are_those_of_the_agency_that_asks() {
    let bench = Bench::new();
    // Another agency's own token, and its key under our name and under a name of ours.
    let theirs = Claims { iss: "customs".to_owned(), ..claims() };
    assert_eq!(bench.prove(&bench.mint("its", &theirs)), Err(TokenRefusal::WrongAgency));
    assert_eq!(bench.prove(&bench.mint("its", &claims())), Err(TokenRefusal::KeyUnknown));
    let forged = mint(&claims(), &bench.key("its"), "old").unwrap();
    assert_eq!(bench.prove(&forged), Err(TokenRefusal::SignatureWrong));
    let stranger = OfficerTokens::new(GATEWAY, 300, 30, BTreeMap::new());
    let expected =
        Expected { agency: &"police".into(), officer: "", case: None, query_digest: digest() };
    let token = bench.mint("old", &claims());
    assert_eq!(stranger.prove(&token, &expected, NOW), Err(TokenRefusal::KeyUnknown));
}

fn part(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

#[test]
fn the_header_chooses_nothing() {
    let bench = Bench::new();
    let token = bench.mint("old", &claims());
    let [head, body, signature] = token.split('.').collect::<Vec<_>>().try_into().unwrap();
    let header = |alg: &str| json!({"alg": alg, "kid": "old", "typ": TYPE});
    // `none`, and the public key as an HMAC secret: the oldest ways in.
    for alg in ["none", "HS256", "ES256", "RS256", "eddsa", ""] {
        let forged = format!("{}.{body}.{signature}", part(&header(alg)));
        assert_eq!(bench.prove(&forged), Err(TokenRefusal::SignatureWrong), "{alg}");
    }
    let signed = |header: Value| {
        // Whatever the header says, signed soundly over it: only the header's own form decides.
        let message = format!("{}.{body}", part(&header));
        let pem = std::fs::read_to_string(bench.dir.path().join("old")).unwrap();
        let der: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
        let pair = aws_lc_rs::signature::Ed25519KeyPair::from_pkcs8(&STANDARD.decode(der).unwrap());
        let signature = URL_SAFE_NO_PAD.encode(pair.unwrap().sign(message.as_bytes()));
        format!("{message}.{signature}")
    };
    bench.prove(&signed(header("EdDSA"))).unwrap();
    for (name, value) in [
        ("crit", json!(["b64"])),
        ("b64", json!(false)),
        ("jwk", json!({"kty": "OKP"})),
        ("jku", json!("https://evil.example")),
        ("typ", json!("JWT")),
        ("kid", json!("")),
        ("kid", json!(7)),
    ] {
        let mut header = header("EdDSA");
        header[name] = value;
        assert_eq!(bench.prove(&signed(header.clone())), Err(TokenRefusal::Malformed), "{header}");
    }
    for broken in [
        String::new(),
        "x".to_owned(),
        format!("{head}.{body}"),
        format!("{head}.{body}."),
        format!("{head}.{body}.{signature}.x"),
        format!("{head}.{body}x.{signature}"),
        format!("{head} .{body}.{signature}"),
        format!("{head}.{}.{signature}", part(&json!({"iss": "police"}))),
        "a".repeat(5000),
    ] {
        assert_eq!(bench.prove(&broken), Err(TokenRefusal::Malformed), "{broken}");
    }
    // A claim twice, or a list of audiences, is another's reading waiting to happen.
    let twice = claims_text().replacen('{', "{\"sub\":\"o.lee\",", 1);
    let list = claims_text().replace(&format!("\"{GATEWAY}\""), &format!("[\"{GATEWAY}\"]"));
    for text in [twice, list] {
        let forged = format!("{head}.{}.{signature}", URL_SAFE_NO_PAD.encode(text));
        assert_eq!(bench.prove(&forged), Err(TokenRefusal::Malformed));
    }
}

fn claims_text() -> String {
    serde_json::to_string(&claims()).unwrap()
}

#[test]
fn every_flipped_bit_is_noticed() {
    let bench = Bench::new();
    let token = bench.mint("old", &claims());
    for at in 0..token.len() {
        for bit in 0..8 {
            let mut bytes = token.clone().into_bytes();
            bytes[at] ^= 1 << bit;
            let Ok(text) = String::from_utf8(bytes) else { continue };
            assert!(bench.prove(&text).is_err(), "bit {bit} of byte {at}");
        }
    }
}

#[test]
fn a_key_on_p256_signs_too_and_only_its_own_way() {
    let dir = tempfile::tempdir().unwrap();
    let secret = EcdsaKeyPair::generate_pkcs8(
        &ECDSA_P256_SHA256_FIXED_SIGNING,
        &aws_lc_rs::rand::SystemRandom::new(),
    )
    .unwrap();
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, secret.as_ref()).unwrap();
    use aws_lc_rs::signature::KeyPair as _;
    let head = hex::decode("3059301306072a8648ce3d020106082a8648ce3d030107034200").unwrap();
    let spki = [head.as_slice(), pair.public_key().as_ref()].concat();
    let pem = |label: &str, der: &[u8]| {
        format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", STANDARD.encode(der))
    };
    let [file, public] = ["key", "key.pub"].map(|name| dir.path().join(name));
    std::fs::write(&file, pem("PRIVATE KEY", secret.as_ref())).unwrap();
    std::fs::write(&public, pem("PUBLIC KEY", &spki)).unwrap();
    let keys = BTreeMap::from([("police".into(), vec![TokenKey::read("p", &public).unwrap()])]);
    let tokens = OfficerTokens::new(GATEWAY, 300, 30, keys);
    let token = mint(&claims(), &SigningKey::read(&file).unwrap(), "p").unwrap();
    let case = CaseId::new("CASE-1");
    let expected = Expected {
        agency: &"police".into(),
        officer: "",
        case: Some(&case),
        query_digest: digest(),
    };
    assert_eq!(tokens.prove(&token, &expected, NOW).unwrap().officer.as_str(), "o.rask");
    let [_, body, signature] = token.split('.').collect::<Vec<_>>().try_into().unwrap();
    let header = part(&json!({"alg": "EdDSA", "kid": "p", "typ": TYPE}));
    let forged = format!("{header}.{body}.{signature}");
    assert_eq!(tokens.prove(&forged, &expected, NOW), Err(TokenRefusal::SignatureWrong));
    // Keys of other kinds are not taken, nor private ones for public ones.
    assert!(TokenKey::read("p", &file).is_err() && SigningKey::read(&public).is_err());
    let p384 = "3076301006072a8648ce3d020106052b8104002203620004";
    let spki = [hex::decode(p384).unwrap(), vec![7; 96]].concat();
    std::fs::write(&public, pem("PUBLIC KEY", &spki)).unwrap();
    assert!(TokenKey::read("p", &public).is_err());
}
