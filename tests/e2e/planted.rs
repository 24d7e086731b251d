//! A customer every value of whom is found nowhere else, and everything processes put out beside their
//! answers, to look for it.

use std::{
    fs,
    net::SocketAddr,
    path::Path,
    sync::{Arc, Mutex},
};

use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use bytes::Bytes;
use http::Request;
use strata_estate::client;
use strata_tests::{Instance, Rig};
use tokio::{io::AsyncReadExt as _, net::TcpListener};

use crate::stores::open;

/// The pages of an admin listener.
const PAGES: [&str; 3] = ["/metrics", "/livez", "/readyz"];

/// The customer of one number, of region uk.
#[derive(Clone, Debug)]
pub(crate) struct Planted {
    number: u32,
}

impl Planted {
    /// Writes the customer, with one order, into the stores.
    pub(crate) async fn write(rig: &Rig, number: u32) -> Self {
        let planted = Self { number };
        let customer = "INSERT INTO customers VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, \
            1, 1, ?14, 'gold', 'uk', ?14, ?12, ?13)";
        let mut store = open(rig, "customers").await;
        let mut query = sqlx::query(customer).bind(planted.customer());
        for name in [
            "given", "family", "email", "phone", "street", "city", "postcode", "country", "born",
            "document", "needs", "account",
        ] {
            query = query.bind(planted.text(name));
        }
        let query = query.bind(1_700_000_000);
        query.execute(&mut store).await.unwrap();
        let mut store = open(rig, "orders").await;
        sqlx::query("INSERT INTO orders VALUES (?1, ?2, 'uk', 'paid', 1700000000, ?3, ?4, ?5)")
            .bind(planted.text("order"))
            .bind(planted.customer())
            .bind(planted.text("currency"))
            .bind(planted.total())
            .bind(planted.text("postcode"))
            .execute(&mut store)
            .await
            .unwrap();
        sqlx::query("INSERT INTO order_lines VALUES (?1, 1, ?2, ?3, 1, ?4)")
            .bind(planted.text("order"))
            .bind(planted.text("sku"))
            .bind(planted.text("description"))
            .bind(planted.price())
            .execute(&mut store)
            .await
            .unwrap();
        planted
    }

    /// Takes the customer out again.
    pub(crate) async fn remove(self, rig: &Rig) {
        let mut store = open(rig, "customers").await;
        for table in ["contact_updates", "customers"] {
            let delete = format!("DELETE FROM {table} WHERE customer_id = ?1");
            let delete = sqlx::query(sqlx::AssertSqlSafe(delete)).bind(self.customer());
            delete.execute(&mut store).await.unwrap();
        }
        let mut store = open(rig, "orders").await;
        for table in ["order_lines", "orders"] {
            let delete = format!("DELETE FROM {table} WHERE order_id = ?1");
            let delete = sqlx::query(sqlx::AssertSqlSafe(delete)).bind(self.text("order"));
            delete.execute(&mut store).await.unwrap();
        }
    }

    /// The id.
    pub(crate) fn customer(&self) -> String {
        self.text("customer")
    }

    fn total(&self) -> i64 {
        770_011_223_300 + i64::from(self.number)
    }

    fn price(&self) -> i64 {
        660_044_556_600 + i64::from(self.number)
    }

    /// The value of a name. Each has its own, in the form its mask expects.
    pub(crate) fn text(&self, name: &str) -> String {
        let number = self.number;
        match name {
            "customer" => format!("cus_kanarie{number}"),
            "order" => format!("ord_kanarie{number}"),
            "email" => format!("kanarie{number}@example.com"),
            "phone" => format!("+3199kanarie{number}0123"),
            "postcode" => format!("QX7 kanarie{number}"),
            "born" => format!("1901-kanarie{number}"),
            "given" => format!("Kanarie{number}"),
            "family" => format!("Vogel-kanarie{number}"),
            "total" => self.total().to_string(),
            "price" => self.price().to_string(),
            _ => format!("{name}-kanarie{number}"),
        }
    }

    /// Every value, in the forms it could come out in.
    pub(crate) fn secrets(&self) -> Vec<String> {
        let names = [
            "customer",
            "given",
            "family",
            "email",
            "phone",
            "street",
            "city",
            "postcode",
            "country",
            "born",
            "document",
            "needs",
            "account",
            "order",
            "currency",
            "sku",
            "description",
            "total",
            "price",
        ];
        let plain = names.map(|name| self.text(name));
        let coded: Vec<_> = plain.iter().flat_map(|text| coded(text)).collect();
        plain.into_iter().chain(coded).collect()
    }
}

/// The middle of a text's base64, for each place it can have among the bytes around it.
pub(crate) fn coded(text: &str) -> Vec<String> {
    let at = |skipped: usize| {
        let rest = text.as_bytes().get(skipped..).unwrap_or_default();
        let whole = rest.len() / 3 * 3;
        STANDARD_NO_PAD.encode(&rest[..whole])
    };
    (0..3).map(at).collect()
}

/// The secrets of a material folder: the lines of its keys.
pub(crate) fn keys(material: &Path) -> Vec<String> {
    let files = fs::read_dir(material)
        .unwrap()
        .map(|file| file.unwrap().path());
    let keys = files.filter(|file| file.extension().is_some_and(|kind| kind == "key"));
    let texts: Vec<_> = keys.map(|key| fs::read_to_string(key).unwrap()).collect();
    assert!(
        texts.len() >= 2,
        "a folder has a key of its own and the environment's"
    );
    let lines = texts.iter().flat_map(|text| text.lines());
    lines
        .filter(|line| !line.starts_with("-----"))
        .map(str::to_owned)
        .collect()
}

/// Takes what telemetry sends, and answers nothing.
pub(crate) struct Collector {
    address: SocketAddr,
    taken: Arc<Mutex<Vec<u8>>>,
}

impl Collector {
    /// Listens until the test ends.
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let taken = Arc::<Mutex<Vec<u8>>>::default();
        let all = Arc::clone(&taken);
        tokio::spawn(async move {
            while let Ok((mut connection, _)) = listener.accept().await {
                let all = Arc::clone(&all);
                tokio::spawn(async move {
                    let mut bytes = vec![0; 1 << 16];
                    while let Ok(read @ 1..) = connection.read(&mut bytes).await {
                        all.lock().unwrap().extend_from_slice(&bytes[..read]);
                    }
                });
            }
        });
        Self { address, taken }
    }

    /// Where processes send to.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What has come so far, as far as it is text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.taken.lock().unwrap()).into_owned()
    }
}

/// What a process put out beside its answers, by sink.
pub(crate) struct Output {
    /// Log lines that are neither of the next two.
    pub(crate) log: String,
    /// Lines that tell of security events.
    pub(crate) events: String,
    /// Lines that tell of panics.
    pub(crate) panics: String,
    /// What is counted.
    pub(crate) metrics: String,
    /// The other pages of the admin listener.
    pub(crate) admin: String,
}

impl Output {
    /// All of it so far.
    pub(crate) async fn of(process: &Instance) -> Self {
        let log = process.log();
        let (mut lines, mut events, mut panics) = (String::new(), String::new(), String::new());
        for line in log.lines() {
            let kind = match line {
                _ if line.contains("strata::security") => &mut events,
                _ if line.contains("strata::panic") => &mut panics,
                _ => &mut lines,
            };
            kind.push_str(line);
            kind.push('\n');
        }
        let mut pages = Vec::new();
        for page in PAGES {
            let request = Request::get(format!("http://{}{page}", process.admin));
            let answer = client::send(request.body(Bytes::new()).unwrap(), None)
                .await
                .unwrap();
            pages.push(String::from_utf8(answer.body().to_vec()).unwrap());
        }
        Self {
            log: lines,
            events,
            panics,
            metrics: pages.remove(0),
            admin: pages.concat(),
        }
    }

    /// Each by the name of its sink.
    pub(crate) fn sinks(&self) -> [(&'static str, &str); 5] {
        [
            ("log", &self.log),
            ("security event", &self.events),
            ("panic output", &self.panics),
            ("metric", &self.metrics),
            ("admin page", &self.admin),
        ]
    }
}
