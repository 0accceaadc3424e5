using System;
using UnityEngine;

namespace DialogueServer
{
    /// <summary>
    /// Where the server is and how to reach it. There is no field for a token on purpose: an asset
    /// ends up in the game's files. Give it to <see cref="DialogueClient.TokenProvider"/>.
    /// </summary>
    [CreateAssetMenu(menuName = "Dialogue/Settings", fileName = "DialogueSettings")]
    public sealed class DialogueSettings : ScriptableObject
    {
        [Tooltip("ws:// for a server in your own network, wss:// for everything else.")]
        public string url = "ws://127.0.0.1:8765";

        [Tooltip("Name and version of the game, for the server's log. Empty: those of the project.")]
        public string clientName = "";

        [Tooltip("A language tag such as pt-BR. Empty: the server's default.")]
        public string locale = "";

        [Header("The player")]
        [Tooltip("Names the player's memories on the server. Empty: an id made up once for each installation.")]
        public string playerId = "";

        [Tooltip("What the NPCs call the player.")]
        public string playerName = "Traveller";

        [Tooltip("A sentence or two on who the player is in the game.")]
        [TextArea]
        public string playerPersona = "";

        [Header("Connection, in seconds")]
        [Min(0.1f)]
        public float connectTimeout = 10f;

        [Tooltip("After so much silence the client asks whether the server is still there.")]
        [Min(1f)]
        public float heartbeat = 15f;

        [Tooltip("The longest wait between two attempts to reconnect.")]
        [Min(0.5f)]
        public float longestRetry = 30f;

        /// <summary>What is wrong with the settings, as a sentence; "" if nothing is.</summary>
        public string Problem()
        {
            if (!Uri.TryCreate(url, UriKind.Absolute, out Uri address)
                || (address.Scheme != "ws" && address.Scheme != "wss"))
                return "The URL must be like ws://127.0.0.1:8765 or wss://dialogue.example.com/.";
            if (playerName.Length > 64) return "The player's name has more than 64 characters.";
            if (playerPersona.Length > 1000) return "The player's persona has more than 1000 characters.";
            if (playerId.Length > 128) return "The player's id has more than 128 characters.";
            return "";
        }
    }
}
