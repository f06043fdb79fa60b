//! Processes that change names in the workspace while the sandbox of the next command is prepared.

use std::fs;

use az_core::tool::Toolbox;

use crate::support::{Home, tiers};

/// How many commands are run while the names change.
const COMMANDS: usize = 60;

/// Exchanges directories of the workspace for links to directories outside, and back, as fast as it
/// can. `bwrap` would mount what a relative link refers to where it is.
const EXCHANGE: &str = r#"
import os
links = {".idea": "../.ssh", ".git": "../other", ".circleci": "../.ssh"}
for name in links:
    os.makedirs(name + "/hooks", exist_ok=True)
open("started", "w").close()
while True:
    for name, target in links.items():
        try:
            os.rename(name, name + ".kept")
            os.symlink(target, name)
            os.unlink(name)
            os.rename(name + ".kept", name)
        except OSError:
            pass
"#;

#[tokio::test]
async fn a_process_that_exchanges_names_gains_no_access() {
    for tier in tiers() {
        let home = Home::new(tier);
        fs::remove_dir_all(home.at(".git")).unwrap();
        fs::write(home.at("exchange.py"), EXCHANGE).unwrap();
        let start = "setsid python3 exchange.py > /dev/null 2>&1 & \
                     until [ -e started ]; do sleep 0.01; done";
        assert!(home.tools().call(home.call(start)).await.unwrap().ok, "{tier}");
        let attempt = "cat ~/.ssh/id_ed25519 .idea/id_ed25519; echo x > ~/other/created; echo ran";
        let mut ran = 0;
        let mut escaped = Vec::new();
        for _ in 0..COMMANDS {
            let output = home.tools().call(home.call(attempt)).await.unwrap();
            let text = output.text();
            if text.contains("the secret") || home.path().join("other/created").exists() {
                escaped.push(text.into_owned());
            } else {
                ran += usize::from(text.contains("ran"));
            }
        }
        home.tools().end_background(&home.task).await.unwrap();
        assert_eq!(escaped, Vec::<String>::new(), "{tier}");
        // Others are not run: what has to be mounted was not there.
        assert!(ran > 0, "{tier}: none of {COMMANDS} commands was run");
    }
}
