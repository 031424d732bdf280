//! The way to a driver at work.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::event_loop::{Command, CommandOf, ConfigOf, Driver, Ports};
use super::function::Function;

/// The task of a driver, and the way to talk to it. Dropping it aborts the driver.
pub(crate) struct DriverHandle<P: Ports> {
    commands: mpsc::Sender<CommandOf<P>>,
    task: JoinHandle<()>,
}

impl<P: Ports> Drop for DriverHandle<P> {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl<P: Ports> DriverHandle<P> {
    /// Puts a driver to work.
    pub(crate) fn spawn(driver: Driver<P>, machine: P::Machine) -> Self {
        let (commands, receiver) = mpsc::channel(8);
        let task = tokio::spawn(driver.run(machine, receiver));
        Self { commands, task }
    }

    /// Waits until the driver has ended, though nobody told it to.
    pub(crate) async fn ended(&self) {
        self.commands.closed().await;
    }

    /// Tells the driver new settings. Returns whether it is still there.
    pub(crate) async fn reconfigure(
        &self,
        config: ConfigOf<P>,
        function: Function,
        ends: P::Ends,
    ) -> bool {
        let command = Command::Reconfigure {
            config: Box::new(config),
            function,
            ends,
        };
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
    use crate::driver::QueuePorts;

    #[tokio::test]
    async fn a_driver_that_panics_is_noticed() {
        let (commands, receiver) = mpsc::channel(1);
        let task = tokio::spawn(async move {
            let _commands = receiver;
            panic!("as a fault in a machine would");
        });
        DriverHandle::<QueuePorts> { commands, task }.ended().await;
    }
}
