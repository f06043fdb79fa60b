//! Home directories: secrets in them are hidden, and they are no workspaces.

use std::fs;

use crate::support::{Home, tiers};

#[tokio::test]
async fn a_home_that_is_set_for_commands_does_not_uncover_that_of_the_user() {
    for tier in tiers() {
        let home = Home::new(tier);
        let real = home.path().display().to_string();
        fs::create_dir(home.path().join("empty")).unwrap();
        let empty = home.path().join("empty").display().to_string();
        let home = home.with_inherited_env("HOME", &real).with_env("HOME", &empty);
        let output = home.run(&format!("cat {real}/.ssh/id_ed25519; echo $HOME")).await;
        assert!(!output.text().contains("the secret"), "{tier}: {}", output.text());
        assert!(output.text().contains(&empty), "{tier}: {}", output.text());
    }
}

#[tokio::test]
async fn a_workspace_in_which_the_sandbox_could_be_switched_off_is_refused() {
    for tier in tiers() {
        let home = Home::new(tier);
        let config = home.path().join("project/config/az.toml");
        let home = home.with_options(|options| options.own.push(config));
        let output = home.run("mkdir config; echo x > config/az.toml").await;
        assert!(output.text().contains("the command was not run"), "{tier}: {}", output.text());
        assert!(!home.at("config").exists(), "{tier}");
    }
    for tier in tiers() {
        let home = Home::new(tier);
        let mut call = home.call("echo x > .zshenv");
        call = call.in_workspace(home.path().to_str().unwrap());
        let output = az_core::tool::Toolbox::call(home.tools(), call).await.unwrap();
        assert!(output.text().contains("the command was not run"), "{tier}: {}", output.text());
        assert!(!home.path().join(".zshenv").exists(), "{tier}");
    }
}
