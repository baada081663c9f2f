//! A Rust type as userdata: methods, fields, operators, and a function that makes objects.
//!
//! `cargo run --example expose_a_rust_type`

use lunette::{AsContext, Engine, Error, Methods, Result, Streams, Userdata, UserdataRef};

/// An account, as a program sees it.
struct Account {
    owner: String,
    balance: i64,
}

impl Userdata for Account {
    fn add_methods(methods: &mut Methods<Self>) {
        methods.getter("owner", |_, account| Ok(account.owner.clone()));
        methods.getter("balance", |_, account| Ok(account.balance));
        methods.setter("owner", |_, account, owner: String| {
            account.owner = owner;
            Ok(())
        });
        methods.method_mut("withdraw", |_, account, amount: i64| {
            if amount > account.balance {
                return Err(Error::message(format_args!("{} has only {}", account.owner, account.balance)));
            }
            account.balance -= amount;
            Ok(account.balance)
        });
        methods.method_mut("receive", |_, account, (from, amount): (UserdataRef<Account>, i64)| {
            from.borrow_mut()?.balance -= amount;
            account.balance += amount;
            Ok(())
        });
        methods.metamethod("__tostring", |_, account, ()| Ok(format!("{}: {}", account.owner, account.balance)));
        methods.metafunction("__lt", |_, (left, right): (UserdataRef<Account>, UserdataRef<Account>)| {
            Ok(left.borrow()?.balance < right.borrow()?.balance)
        });
    }
}

fn main() -> Result<()> {
    let mut instance = Engine::default().instantiate_with(Streams::inherited())?;
    let open = instance
        .function(|_, (owner, balance): (String, Option<i64>)| Ok(Account { owner, balance: balance.unwrap_or(0) }))?;
    instance.set("open_account", &open)?;
    instance.exec(
        r#"
        local ada, bob = open_account("Ada", 100), open_account("Bob")
        bob:receive(ada, 30)
        print(ada, bob, bob < ada)
        ada.owner = "Ada L."
        print(ada.owner, ada:withdraw(20))
        print(pcall(ada.withdraw, ada, 1000))
        print(pcall(ada.withdraw, "not an account"))
        last = bob
        "#,
    )?;
    let last: UserdataRef<Account> = instance.get("last")?;
    assert_eq!(last.borrow()?.balance, 30);
    Ok(())
}
