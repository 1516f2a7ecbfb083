package main

import "github.com/spf13/cobra"

func upCommand(p program) *cobra.Command { return &cobra.Command{Use: "up"} }

func apiCommand(p program) *cobra.Command { return &cobra.Command{Use: "api"} }
