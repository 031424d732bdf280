//! The way to a driver at work.

use std::time::Duration;

use lambda_esm_core::machine::Machine;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::event_loop::{Command, Driver, Ports};
use super::function::Function;

/// The task of a driver, and the way to talk to it. Dropping it aborts the driver.
pub(crate) struct DriverHandle<C> {
    commands: mpsc::Sender<Command<C>>,
    task: JoinHandle<()>,
}

impl<C> Drop for DriverHandle<C> {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl<C: Send + 'static> DriverHandle<C> {
    /// Puts a driver to work.
    pub(crate) fn spawn<P>(driver: Driver<P>, machine: P::Machine) -> Self
    where
        P: Ports<Machine: Machine<Config = C>>,
    {
        let (commands, receiver) = mpsc::channel(8);
        let task = tokio::spawn(driver.run(machine, receiver));
        Self { commands, task }
    }

    /// Waits until the driver has ended, though nobody told it to.
    pub(crate) async fn ended(&self) {
        self.commands.closed().await;
    }

    /// Tells the driver new settings. Returns whether it is still there.
    pub(crate) async fn reconfigure(&self, config: C, function: Function) -> bool {
        let config = Box::new(config);
        let command = Command::Reconfigure { config, function };
        self.commands.send(command).await.is_ok()
    }

    /// Lets the driver finish what is in flight. Returns whether it did so within `bound`.
    pub(crate) async fn drain(mut self, bound: Duration) -> bool {
        // The driver may have ended by itself; then there is nothing to tell it.
        drop(self.commands.send(Command::Drain { bound }).await);
        let ended = tokio::time::timeout(bound, &mut self.task).await.is_ok();
        self.task.abort();
        // The aborted driver must not write to the progress any more.
        self.commands.closed().await;
        ended
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_driver_that_panics_is_noticed() {
        let (commands, receiver) = mpsc::channel::<Command<()>>(1);
        let task = tokio::spawn(async move {
            let _commands = receiver;
            panic!("as a fault in a machine would");
        });
        DriverHandle { commands, task }.ended().await;
    }
}
